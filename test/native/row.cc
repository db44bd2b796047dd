// ROW with functions that agree with their signature and, where WRONG is 1, with others that do not. Compiled by
// test/native-headers.test.ts.
#include "../../native/kernels/row.h"

namespace fjordnet::baseline {
namespace {

template <typename T>
void update(const Cpu<T>&, Index, In<T>, InOut<T>, T, double, bool) {}
template <typename T>
void withoutScalar(const Cpu<T>&, Index, In<T>, InOut<T>, T, double) {}
template <typename T>
void withoutDimension(const Cpu<T>&, In<T>, InOut<T>, T, double, bool) {}
template <typename T>
void inputWritten(const Cpu<T>&, Index, Out<T>, InOut<T>, T, double, bool) {}
template <typename T>
void outputConstant(const Cpu<T>&, Index, In<T>, In<T>, T, double, bool) {}
template <typename T>
void integerScalar(const Cpu<T>&, Index, In<T>, InOut<T>, T, double, int) {}

struct Image {
  static constexpr const char* kDims = "B N";
  static Image of(const Index* dim) { return {dim[0], dim[1]}; }
  Index B, N;
};
template <typename T>
void ofImage(const Cpu<T>&, Image, In<T>, Out<T>) {}
Scratch roomOfImage(Image image) { return {image.B * image.N, 0}; }

template <typename T>
void rowsOf(const Cpu<T>&, Index, Index, In<T>, In<std::int32_t>, Out<T>) {}

constexpr char kUpdate[] = "N : g N -> w! N | rate rho centered";
constexpr char kImage[] = "B N : x BN -> y~ BN";

#define FUNCTION(signature, function) functionOf<function<float>>(SIGNATURE(signature), function<float>)

constexpr Call<float> kCalls[] = {
    FUNCTION("B V : table V, i:index B -> y B", rowsOf),
    FUNCTION(kUpdate, update),
    FUNCTION(kImage, ofImage),
#if WRONG
    FUNCTION(kUpdate, withoutScalar),                       // wrong
    FUNCTION(kUpdate, withoutDimension),                    // wrong
    FUNCTION(kUpdate, inputWritten),                        // wrong
    FUNCTION(kUpdate, outputConstant),                      // wrong
    FUNCTION(kUpdate, integerScalar),                       // wrong
    FUNCTION("N B : x BN -> y~ BN", ofImage),               // wrong
    FUNCTION("B V : table V, index B -> y B", rowsOf),      // wrong
    FUNCTION("B V : i:table V, i:index B -> y B", rowsOf),  // wrong
#endif
};
constexpr Room kRooms[] = {
    scratchOf<roomOfImage>(SIGNATURE(kImage), roomOfImage),
#if WRONG
    scratchOf<roomOfImage>(SIGNATURE(kUpdate), roomOfImage),  // wrong
#endif
};
static_assert(sizeof kCalls + sizeof kRooms > 0, "");

}  // namespace
}  // namespace fjordnet::baseline
