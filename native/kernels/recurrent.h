// Recurrent layers over whole sequences, as Keras writes them: what simple, LSTM and GRU layers share, and the simple
// one. What the inputs contribute to all steps, z = x W + b, is one product before. Here the steps follow each other on
// as many rows of the batch as lie in a tile, which one thread takes through all of them: rows know nothing of each
// other. A step whose mask is 0 leaves the state as it was. `drop` multiplies the state where it meets R.
#pragma once

#include "activation.h"
#include "gemm.h"

namespace fjordnet::FJORDNET_ISA {
namespace {

// Activations whose derivative follows from their value, in the order of lib/graph/ops/recurrent.ts.
enum class Gate { kLinear, kSigmoid, kTanh, kRelu, kHardSigmoid, kElu, kSelu, kSoftplus, kSoftsign, kExponential };

struct Sigmoid {
  template <typename V>
  V operator()(V z) const {
    return sigmoid_(z);
  }
  template <typename V>
  V slope(V y) const {
    return y * (all<V>(1.0) - y);
  }
};
struct Tanh {
  template <typename V>
  V operator()(V z) const {
    return tanh_(z);
  }
  template <typename V>
  V slope(V y) const {
    return all<V>(1.0) - y * y;
  }
};
struct AnyGate {
  Gate gate;

  template <typename V>
  V operator()(V z) const {
    const V zero{}, one = all<V>(1.0);
    switch (gate) {
      case Gate::kLinear: return z;
      case Gate::kSigmoid: return sigmoid_(z);
      case Gate::kTanh: return tanh_(z);
      case Gate::kRelu: return z < zero ? zero : z;
      case Gate::kHardSigmoid: return min_(one, max_(zero, (z + all<V>(3.0)) * all<V>(1.0 / 6.0)));
      case Gate::kElu: return z > zero ? z : expm1_(z);
      case Gate::kSelu: return all<V>(kSeluScale) * (z > zero ? z : all<V>(kSeluAlpha) * expm1_(z));
      case Gate::kSoftplus: return max_(zero, z) + log1pSmall(expNormal(-abs_(z)));
      case Gate::kSoftsign: return z / (one + abs_(z));
      default: return exp_(z);
    }
  }
  // The derivative where the value is y.
  template <typename V>
  V slope(V y) const {
    const V zero{}, one = all<V>(1.0);
    switch (gate) {
      case Gate::kLinear: return one;
      case Gate::kSigmoid: return Sigmoid{}.slope(y);
      case Gate::kTanh: return Tanh{}.slope(y);
      case Gate::kRelu: return y > zero ? one : zero;
      case Gate::kHardSigmoid: return y > zero && y < one ? all<V>(1.0 / 6.0) : zero;
      case Gate::kElu: return y > zero ? one : y + one;
      case Gate::kSelu: return y > zero ? all<V>(kSeluScale) : y + all<V>(kSeluScale * kSeluAlpha);
      case Gate::kSoftplus: return -expm1_(-y);
      case Gate::kSoftsign: return (one - abs_(y)) * (one - abs_(y));
      default: return y;
    }
  }
};

// Whatever the scalar says.
inline Gate gateOf(double code) {
  return code > 0.0 && code <= static_cast<double>(Gate::kExponential) ? static_cast<Gate>(static_cast<int>(code))
                                                                       : Gate::kLinear;
}

// fn(activation, recurrent activation): the usual pair without a branch for every vector.
template <typename F>
void withGates(double activation, double recurrent, const F& fn) {
  const Gate act = gateOf(activation), rec = gateOf(recurrent);
  if (act == Gate::kTanh && rec == Gate::kSigmoid) return fn(Tanh{}, Sigmoid{});
  fn(AnyGate{act}, AnyGate{rec});
}

// n rows of a matrix, so many values apart; null for zeros.
template <typename T>
struct RowsOf {
  const T* at;
  Index apart;
};

// r[K,N], whose rows lie `apart`, as a tile of sequences meets it at every step: the first product packs it into
// panels, where it is more than the inner cache holds, and the others read these.
template <typename T>
class StepMatrix {
 public:
  // Values of room, of float or double.
  static Index room(Index K, Index N) {
    constexpr Index most = std::max(kLanes<float>, kLanes<double>);
    return K * N * static_cast<Index>(sizeof(double)) > kStepCache ? K * roundUp(N, most) : 0;
  }

  StepMatrix(const T* r, Index K, Index N, Index apart, T* room) : r_(r), K_(K), N_(N), apart_(apart), room_(room) {}

  // c[n,N] = a[n,K] r + start; c may be start.
  void multiply(Index n, RowsOf<T> a, RowsOf<T> start, T* c, Index cRow) {
    if (a.at == nullptr) {
      for (Index i = 0; i < n; ++i) {
        if (start.at == nullptr) {
          std::fill_n(c + i * cRow, N_, T(0));
        } else {
          std::copy_n(start.at + i * start.apart, N_, c + i * cRow);
        }
      }
      return;
    }
    constexpr Index L = kLanes<T>;
    const bool isLarge = K_ * N_ * static_cast<Index>(sizeof(T)) > kStepCache, packs = isLarge && n >= kMostGemmRows;
    blocks((N_ + L - 1) / L, kGemmVectors, [&](Index first, Index vectors) {
      const Index j = first * L, columns = std::min(vectors * L, N_ - j);
      const T* from = start.at == nullptr ? nullptr : start.at + j;
      Gemm<T> g{K_, a.at, a.apart, 1, r_ + j, apart_, from, from == nullptr ? 0 : start.apart, c + j, cRow, 0};
      T* panel = room_ + K_ * j;
      if (!isLarge) {
        gemmColumns(g, n, columns);
      } else if (!packs) {
        gemmColumns<T, Reads::kFar>(g, n, columns);
      } else if (isPacked_) {
        g.b = panel;
        g.ldb = vectors * L;
        g.isPadded = true;
        gemmColumns(g, n, columns);
      } else {
        g.panel = panel;
        gemmColumns<T, Reads::kPacking>(g, n, columns);
      }
    });
    isPacked_ = packs;
  }

 private:
  const T* r_;
  Index K_, N_, apart_;
  T* room_;
  bool isPacked_ = false;
};

// B sequences of S steps with U units, their states h[B,S,U] after each step, and what these begin with.
template <typename T>
struct Sequences {
  Index B, S, U;
  const T *h, *h0, *drop, *mask;

  bool isMasked(Index b, Index s) const { return mask != nullptr && mask[b * S + s] == T(0); }

  // The states before step s of rows from `first` on.
  RowsOf<T> before(Index first, Index s) const {
    if (s > 0) return {h + (first * S + s - 1) * U, S * U};
    return {h0 == nullptr ? nullptr : h0 + first * U, U};
  }
  // The same where they meet R, for which there may have to be room.
  RowsOf<T> entering(Index first, Index n, Index s, T* room) const {
    const auto states = before(first, s);
    if (drop == nullptr || states.at == nullptr) return states;
    for (Index i = 0; i < n; ++i) {
#pragma GCC ivdep
      for (Index j = 0; j < U; ++j) room[i * U + j] = states.at[i * states.apart + j] * drop[(first + i) * U + j];
    }
    return {room, U};
  }

  // carry[n,U] = (delta[n,N] rt[N,U]) * drop, on top of what is in carry where that `isKept`.
  void back(Index first, Index n, RowsOf<T> delta, StepMatrix<T>& rt, bool isKept, T* carry, T* room) const {
    if (drop == nullptr) return rt.multiply(n, delta, {isKept ? carry : nullptr, U}, carry, U);
    rt.multiply(n, delta, {nullptr, 0}, room, U);
    for (Index i = 0; i < n * U; ++i) carry[i] = (isKept ? carry[i] : T(0)) + room[i] * drop[first * U + i];
  }
};

// What the loss moves the states by: of all steps dh[B,S,U], of the last dlast[B,U], each null where it has none.
template <typename T>
struct StateDeltas {
  const T *dh, *dlast;

  void begin(Index first, Index n, Index U, T* carry) const {
    if (dlast == nullptr) {
      std::fill_n(carry, n * U, T(0));
    } else {
      std::copy_n(dlast + first * U, n * U, carry);
    }
  }
  void add(Index at, Index U, T* carry) const {
    if (dh == nullptr) return;
#pragma GCC ivdep
    for (Index j = 0; j < U; ++j) carry[j] += dh[at * U + j];
  }
};

// 0 for what is so small that its products with weights and states would be below the smallest normal number, 1e-38 in
// float: below 1e-32. Gradients fade from step to step, and would stay at the smallest number there is, as half of it
// and more is rounded to it; processors take 100 times as long for such numbers. A step of an LSTM, 128 sequences of
// 1,000 steps, 128 units: 8,800 ms; with those below 1e-38 made 0 1,400 ms; 500 so.
template <typename V>
inline V flushed(V x) {
  return abs_(x) < all<V>(static_cast<double>(std::numeric_limits<Value<V>>::min()) * 0x1p20) ? V{} : x;
}

// fn(first, n, slot) for tiles of rows; and the most rows that a tile of B or fewer has.
template <typename F>
void recurrentTiles(Team& team, Index B, const F& fn) {
  const Index tiles = std::clamp<Index>(B / kRecurrentRows, 1, kMostRecurrentTiles);
  team.parallel_for(static_cast<int>(tiles), [&](int tile, int slot) {
    const Index first = tile * B / tiles;
    fn(first, (tile + 1) * B / tiles - first, slot);
  });
}
inline Index mostRecurrentRows(Index B) {
  return std::min(B, std::max(2 * kRecurrentRows, (B + kMostRecurrentTiles - 1) / kMostRecurrentTiles));
}

// h_s = act(z_s + h_{s-1} R)
template <typename T>
void simpleRnn(const Cpu<T>& cpu, Index B, Index S, Index U, In<T> z, In<T> r, In<T> h0, In<T> drop, In<T> mask,
               Out<T> h, double activation) {
  const Sequences<T> q{B, S, U, h, h0, drop, mask};
  withGates(activation, static_cast<double>(Gate::kSigmoid), [&](auto act, auto) {
    recurrentTiles(cpu.team, B, [&](Index first, Index n, int slot) {
      StepMatrix<T> weights(r, U, U, U, cpu.scratch(slot) + n * U);
      for (Index s = 0; s < S && !cpu.isStopped(); ++s) {
        T* to = h + (first * S + s) * U;
        const auto before = q.before(first, s);
        weights.multiply(n, q.entering(first, n, s, cpu.scratch(slot)), {z + (first * S + s) * U, S * U}, to, S * U);
        for (Index i = 0; i < n; ++i, to += S * U) {
          if (!q.isMasked(first + i, s)) {
            vectors<T>(0, U, [&](Index j, auto lanes) { store(to + j, act(load(to + j, lanes)), lanes); });
          } else if (before.at == nullptr) {
            std::fill_n(to, U, T(0));
          } else {
            std::copy_n(before.at + i * before.apart, U, to);
          }
        }
      }
    });
  });
}
inline Scratch simpleRnnScratch(Index B, Index, Index U) {
  return {0, mostRecurrentRows(B) * U + StepMatrix<float>::room(U, U)};
}

// dz_s = dh_s * act'(h_s);  dh_{s-1} += dz_s R.T, where rt is R.T
template <typename T>
void simpleRnnGradient(const Cpu<T>& cpu, Index B, Index S, Index U, In<T> h, In<T> rt, In<T> drop, In<T> mask,
                       In<T> dh, In<T> dlast, Out<T> dz, Out<T> dh0, double activation) {
  const Sequences<T> q{B, S, U, h, nullptr, drop, mask};
  const StateDeltas<T> given{dh, dlast};
  withGates(activation, static_cast<double>(Gate::kSigmoid), [&](auto act, auto) {
    recurrentTiles(cpu.team, B, [&](Index first, Index n, int slot) {
      T *carry = cpu.scratch(slot), *room = carry + n * U;
      StepMatrix<T> weights(rt, U, U, U, room + n * U);
      given.begin(first, n, U, carry);
      for (Index s = S; s-- > 0 && !cpu.isStopped();) {
        for (Index i = 0; i < n; ++i) {
          const Index at = (first + i) * S + s;
          T *total = carry + i * U, *to = dz + at * U;
          given.add(at, U, total);
          if (q.isMasked(first + i, s)) {
            std::fill_n(to, U, T(0));
            continue;
          }
          vectors<T>(0, U, [&](Index j, auto lanes) {
            store(to + j, flushed(load(total + j, lanes) * act.slope(load(h + at * U + j, lanes))), lanes);
            store(total + j, Vector<T>{}, lanes);
          });
        }
        if (s > 0 || dh0 != nullptr)
          q.back(first, n, {dz + (first * S + s) * U, S * U}, weights, mask != nullptr, carry, room);
      }
      if (dh0 != nullptr) std::copy_n(carry, n * U, dh0 + first * U);
    });
  });
}
inline Scratch simpleRnnGradientScratch(Index B, Index, Index U) {
  return {0, 2 * mostRecurrentRows(B) * U + StepMatrix<float>::room(U, U)};
}

// What has met R at every step, for its gradient: the states before it, times drop.
template <typename T>
void previousStates(const Cpu<T>& cpu, Index B, Index S, Index U, In<T> h, In<T> h0, In<T> drop, Out<T> before) {
  const Sequences<T> q{B, S, U, h, h0, drop, nullptr};
  rows(cpu.team, B, S * U, [&](Index first, Index last) {
    for (Index b = first; b < last; ++b) {
      for (Index s = 0; s < S && !cpu.isStopped(); ++s) {
        T* to = before + (b * S + s) * U;
        const auto states = q.entering(b, 1, s, to);
        if (states.at == nullptr) {
          std::fill_n(to, U, T(0));
        } else if (states.at != to) {
          std::copy_n(states.at, U, to);
        }
      }
    }
  });
}

}  // namespace
}  // namespace fjordnet::FJORDNET_ISA
