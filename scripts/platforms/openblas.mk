# What native/blas.cc reaches of OpenBLAS, 174 objects. Run in OpenBLAS' folder by openblas.js; this runs itself once
# more for each table of kernels, in the folder kernel/.
TYPES = s d

ifdef TARGET_CORE
include Makefile
WANTED = setparam_% $(foreach t,$(TYPES),$(t)gemm_% $(t)gemv_n% $(t)gemv_t% $(t)scal_k%)
objects: $(filter $(WANTED),$(SBLASOBJS) $(DBLASOBJS))
else
TOPDIR = .
THIS := $(abspath $(lastword $(MAKEFILE_LIST)))
include Makefile.system
TRANSPOSED = nn nt tn tt
OTHERS = dynamic memory openblas_env openblas_error_handle openblas_get_config openblas_get_parallel openblas_set_num_threads xerbla
objects:
	$(MAKE) -C interface $(foreach t,$(TYPES),cblas_$(t)gemm.o cblas_$(t)gemv.o)
	$(MAKE) -C driver/level3 $(foreach t,$(TYPES),$(TRANSPOSED:%=$(t)gemm_%.o))
	$(MAKE) -C driver/others $(OTHERS:=.o)
	for core in $(DYNAMIC_CORE); do $(MAKE) GOTOBLAS_MAKEFILE= -C kernel -f $(THIS) TARGET_CORE=$$core objects || exit 1; done
endif
