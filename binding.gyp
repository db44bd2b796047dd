{
  "variables": {
    "werror%": 0,
    "blas": "<!(node scripts/openblas.cjs kind)"
  },
  "targets": [
    {
      "target_name": "fjordnet",
      "sources": [
        "native/addon/addon.cc",
        "native/blas.cc",
        "native/blas_fallback.cc",
        "native/blas_fallback_avx2.cc",
        "native/blas_fallback_avx512.cc",
        "native/compat.cc",
        "native/kernels.cc",
        "native/kernels_avx2.cc",
        "native/kernels_avx512.cc"
      ],
      "include_dirs": ["<!(node scripts/headers.cjs)", "<!(node scripts/openblas.cjs includes)"],
      "defines": [
        "NAPI_VERSION=8",
        "NODE_ADDON_API_CPP_EXCEPTIONS",
        "NODE_ADDON_API_CPP_EXCEPTIONS_ALL",
        "NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS",
        "NODE_API_NO_EXTERNAL_BUFFERS_ALLOWED",
        "<!(node scripts/openblas.cjs defines)"
      ],
      "libraries": ["<!@(node scripts/openblas.cjs libraries)"],
      "cflags!": ["-fno-exceptions"],
      "cflags_cc!": ["-fno-exceptions", "-fno-rtti", "-std=gnu++17", "-std=gnu++20"],
      "cflags_cc": [
        "-std=c++17",
        "-O3",
        "-ffp-contract=off",
        "-fno-math-errno",
        "-fno-trapping-math",
        "-fopenmp-simd",
        "-fvisibility=hidden",
        "-ffunction-sections",
        "-fdata-sections",
        "-pthread",
        "-Wall",
        "-Wextra",
        "-Wno-unknown-pragmas"
      ],
      "conditions": [
        ["werror==1", { "cflags_cc": ["-Werror"] }],
        [
          "OS=='linux'",
          {
            "ldflags": [
              "-pthread",
              "-Wl,--gc-sections",
              "-Wl,-z,now",
              "-Wl,--version-script=../native/exports.map",
              "<!@(node scripts/openblas.cjs ldflags)"
            ]
          }
        ],
        ["blas=='static'", { "ldflags": ["openblas.ld<!(node scripts/openblas.cjs script build/openblas.ld)"] }],
        [
          "OS=='mac'",
          {
            "xcode_settings": {
              "CLANG_CXX_LANGUAGE_STANDARD": "c++17",
              "GCC_ENABLE_CPP_EXCEPTIONS": "YES",
              "GCC_ENABLE_CPP_RTTI": "YES",
              "GCC_OPTIMIZATION_LEVEL": "3",
              "GCC_SYMBOLS_PRIVATE_EXTERN": "YES",
              "MACOSX_DEPLOYMENT_TARGET": "11.0",
              "OTHER_CPLUSPLUSFLAGS": [
                "-ffp-contract=off",
                "-fno-math-errno",
                "-fno-trapping-math",
                "-fopenmp-simd",
                "-Wall",
                "-Wextra",
                "-Wno-unknown-pragmas"
              ]
            }
          }
        ],
        [
          "OS=='win'",
          {
            "defines!": ["_HAS_EXCEPTIONS=0"],
            "defines": ["_HAS_EXCEPTIONS=1", "NOMINMAX"],
            "msvs_settings": {
              "VCCLCompilerTool": {
                "AdditionalOptions": ["/std:c++17", "/utf-8", "/bigobj", "/openmp:experimental"],
                "ExceptionHandling": 1,
                "RuntimeTypeInfo": "true"
              }
            }
          }
        ]
      ]
    }
  ],
  "conditions": [
    [
      "OS!='win'",
      {
        "targets": [
          {
            "target_name": "fjordnet_mpi",
            "product_dir": "<(PRODUCT_DIR)/mpi",
            "sources": [
              "native/mpi/addon.cc",
              "native/mpi/collectives.cc",
              "native/mpi/library.cc",
              "native/mpi/world.cc"
            ],
            "include_dirs": ["<!(node scripts/headers.cjs)"],
            "defines": [
              "NAPI_VERSION=8",
              "NODE_ADDON_API_CPP_EXCEPTIONS",
              "NODE_ADDON_API_CPP_EXCEPTIONS_ALL",
              "NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS",
              "NODE_API_NO_EXTERNAL_BUFFERS_ALLOWED"
            ],
            "cflags!": ["-fno-exceptions"],
            "cflags_cc!": ["-fno-exceptions", "-fno-rtti", "-std=gnu++17", "-std=gnu++20"],
            "cflags_cc": [
              "-std=c++17",
              "-O2",
              "-fvisibility=hidden",
              "-ffunction-sections",
              "-fdata-sections",
              "-pthread",
              "-Wall",
              "-Wextra"
            ],
            "conditions": [
              ["werror==1", { "cflags_cc": ["-Werror"] }],
              [
                "OS=='linux'",
                {
                  "ldflags": [
                    "-pthread",
                    "-Wl,--gc-sections",
                    "-Wl,-z,now",
                    "-Wl,-z,nodelete",
                    "-Wl,--version-script=../native/exports.map"
                  ]
                }
              ],
              [
                "OS=='mac'",
                {
                  "xcode_settings": {
                    "CLANG_CXX_LANGUAGE_STANDARD": "c++17",
                    "GCC_ENABLE_CPP_EXCEPTIONS": "YES",
                    "GCC_ENABLE_CPP_RTTI": "YES",
                    "GCC_SYMBOLS_PRIVATE_EXTERN": "YES",
                    "MACOSX_DEPLOYMENT_TARGET": "11.0",
                    "OTHER_CPLUSPLUSFLAGS": ["-Wall", "-Wextra"]
                  }
                }
              ]
            ]
          }
        ]
      }
    ]
  ]
}
