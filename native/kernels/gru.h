// Gated recurrent units (Cho and others 2014) over whole sequences: recurrent.h.
#pragma once

#include "recurrent.h"

namespace fjordnet::FJORDNET_ISA {
namespace {

// u, r = rec(z_s + h_{s-1} R + b);  h_s = u h_{s-1} + (1 - u) n. With `after` (the reset behind the product)
// n = act(z_s + b + r (h_{s-1} R + b')), and inner has what r multiplies; else n = act(z_s + (r h_{s-1}) R), there is
// no b, and inner has r h_{s-1}. In z, R, gates and both rows of b they lie in the order u, r, n.
template <typename T>
void gru(const Cpu<T>& cpu, Index B, Index S, Index U, In<T> z, In<T> r, In<T> b, In<T> h0, In<T> drop, In<T> mask,
         Out<T> gates, Out<T> inner, Out<T> h, double activation, double recurrent, bool after) {
  const Sequences<T> q{B, S, U, h, h0, drop, mask};
  const Index G = 3 * U;
  withGates(activation, recurrent, [&](auto act, auto rec) {
    recurrentTiles(cpu.team, B, [&](Index first, Index n, int slot) {
      T* room = cpu.scratch(slot) + n * U;
      StepMatrix<T> ofGates(r, U, 2 * U, G, room), ofNew(r + 2 * U, U, U, G, room + StepMatrix<T>::room(U, 2 * U));
      for (Index s = 0; s < S && !cpu.isStopped(); ++s) {
        const Index begin = first * S + s;
        const auto before = q.before(first, s), entering = q.entering(first, n, s, cpu.scratch(slot));
        T *to = gates + begin * G, *own = inner + begin * U;
        const RowsOf<T> start{z + begin * G, S * G};
        ofGates.multiply(n, entering, start, to, S * G);
        if (after) ofNew.multiply(n, entering, {b == nullptr ? b : b + G + 2 * U, 0}, own, S * U);
        // fn(row of the tile, values of all steps before, j, lanes, state before), for rows that are not masked
        const auto each = [&](const auto& fn) {
          for (Index i = 0; i < n; ++i) {
            if (q.isMasked(first + i, s)) continue;
            const T* state = before.at == nullptr ? nullptr : before.at + i * before.apart;
            vectors<T>(0, U, [&](Index j, auto lanes) {
              fn(i, j, lanes, state == nullptr ? Vector<T>{} : load(state + j, lanes));
            });
          }
        };
        const auto gate = [&](Index k, Index i, Index j, auto lanes) {
          T* value = to + i * S * G + k * U + j;
          auto x = load(value, lanes);
          if (b != nullptr) x = x + load(b + k * U + j, lanes) + load(b + G + k * U + j, lanes);
          const auto y = rec(x);
          store(value, y, lanes);
          return y;
        };
        const auto mix = [&](Index i, Index j, auto lanes, auto fresh, auto update, auto old) {
          store(to + i * S * G + 2 * U + j, fresh, lanes);
          store(h + (begin + i * S) * U + j, fresh + update * (old - fresh), lanes);
        };
        if (after) {
          each([&](Index i, Index j, auto lanes, auto old) {
            const auto update = gate(0, i, j, lanes), reset = gate(1, i, j, lanes);
            auto x = load(z + (begin + i * S) * G + 2 * U + j, lanes);
            if (b != nullptr) x = x + load(b + 2 * U + j, lanes);
            mix(i, j, lanes, act(x + reset * load(own + i * S * U + j, lanes)), update, old);
          });
        } else {
          for (Index i = 0; i < n; ++i) {
            if (q.isMasked(first + i, s)) std::fill_n(own + i * S * U, U, T(0));
          }
          each([&](Index i, Index j, auto lanes, auto old) {
            gate(0, i, j, lanes);
            const auto reset = gate(1, i, j, lanes);
            if (drop != nullptr) old = old * load(drop + (first + i) * U + j, lanes);
            store(own + i * S * U + j, reset * old, lanes);
          });
          ofNew.multiply(n, {own, S * U}, {start.at + 2 * U, S * G}, to + 2 * U, S * G);
          each([&](Index i, Index j, auto lanes, auto old) {
            const T* value = to + i * S * G + j;
            mix(i, j, lanes, act(load(value + 2 * U, lanes)), load(value, lanes), old);
          });
        }
        for (Index i = 0; i < n; ++i) {
          if (!q.isMasked(first + i, s)) continue;
          T* state = h + (begin + i * S) * U;
          if (before.at == nullptr) {
            std::fill_n(state, U, T(0));
          } else {
            std::copy_n(before.at + i * before.apart, U, state);
          }
        }
      }
    });
  });
}
inline Scratch gruScratch(Index B, Index, Index U) {
  return {0, mostRecurrentRows(B) * U + StepMatrix<float>::room(U, 2 * U) + StepMatrix<float>::room(U, U)};
}

// The same backwards, where rt is R.T. With the reset behind the product there is delta, the gradient of h_{s-1} R + b:
// it differs from dz in its last third alone, which is r dn.
template <typename T>
void gruGradient(const Cpu<T>& cpu, Index B, Index S, Index U, In<T> gates, In<T> inner, In<T> h, In<T> rt, In<T> h0,
                 In<T> drop, In<T> mask, In<T> dh, In<T> dlast, Out<T> dz, Out<T> delta, Out<T> dh0, double activation,
                 double recurrent) {
  const bool after = delta != nullptr;
  const Sequences<T> q{B, S, U, h, h0, drop, mask};
  const StateDeltas<T> given{dh, dlast};
  const Index G = 3 * U;
  withGates(activation, recurrent, [&](auto act, auto rec) {
    recurrentTiles(cpu.team, B, [&](Index first, Index n, int slot) {
      T *carry = cpu.scratch(slot), *room = carry + n * U, *panels = room + n * U;
      // all gates at once where the reset is behind the product, else the last apart
      StepMatrix<T> weights(rt, after ? G : 2 * U, U, U, panels);
      StepMatrix<T> ofNew(rt + 2 * U * U, U, U, U, panels + StepMatrix<T>::room(2 * U, U));
      given.begin(first, n, U, carry);
      for (Index s = S; s-- > 0 && !cpu.isStopped();) {
        const Index begin = first * S + s;
        const auto before = q.before(first, s);
        for (Index i = 0; i < n; ++i) {
          const Index at = begin + i * S;
          const T *y = gates + at * G, *state = before.at == nullptr ? nullptr : before.at + i * before.apart;
          T *total = carry + i * U, *to = dz + at * G, *moved = after ? delta + at * G : nullptr;
          given.add(at, U, total);
          if (q.isMasked(first + i, s)) {
            std::fill_n(to, G, T(0));
            if (after) std::fill_n(moved, G, T(0));
            continue;
          }
          vectors<T>(0, U, [&](Index j, auto lanes) {
            const auto update = load(y + j, lanes), reset = load(y + U + j, lanes), fresh = load(y + 2 * U + j, lanes);
            const Vector<T> old = state == nullptr ? Vector<T>{} : load(state + j, lanes);
            const auto sum = load(total + j, lanes);
            const auto dn = flushed((sum - sum * update) * act.slope(fresh));
            const auto du = flushed(sum * (old - fresh) * rec.slope(update));
            store(to + j, du, lanes);
            store(to + 2 * U + j, dn, lanes);
            store(total + j, flushed(sum * update), lanes);
            if (!after) return;
            const auto dr = flushed(dn * load(inner + at * U + j, lanes) * rec.slope(reset));
            store(to + U + j, dr, lanes);
            store(moved + j, du, lanes);
            store(moved + U + j, dr, lanes);
            store(moved + 2 * U + j, flushed(dn * reset), lanes);
          });
        }
        if (after) {
          if (s > 0 || dh0 != nullptr) q.back(first, n, {delta + begin * G, S * G}, weights, true, carry, room);
          continue;
        }
        // the gradient of r h_{s-1}, then of both
        ofNew.multiply(n, {dz + begin * G + 2 * U, S * G}, {nullptr, 0}, room, U);
        for (Index i = 0; i < n; ++i) {
          const Index at = begin + i * S;
          if (q.isMasked(first + i, s)) continue;
          const T* own = before.at == nullptr ? nullptr : before.at + i * before.apart;
          vectors<T>(0, U, [&](Index j, auto lanes) {
            const auto reset = load(gates + at * G + U + j, lanes);
            Vector<T> old = own == nullptr ? Vector<T>{} : load(own + j, lanes), down = load(room + i * U + j, lanes);
            if (drop != nullptr) {
              const auto share = load(drop + (first + i) * U + j, lanes);
              old = old * share;
              store(carry + i * U + j, load(carry + i * U + j, lanes) + down * reset * share, lanes);
            } else {
              store(carry + i * U + j, load(carry + i * U + j, lanes) + down * reset, lanes);
            }
            store(dz + at * G + U + j, flushed(down * old * rec.slope(reset)), lanes);
          });
        }
        if (s > 0 || dh0 != nullptr) q.back(first, n, {dz + begin * G, S * G}, weights, true, carry, room);
      }
      if (dh0 != nullptr) std::copy_n(carry, n * U, dh0 + first * U);
    });
  });
}
inline Scratch gruGradientScratch(Index B, Index, Index U) {
  const Index apart = StepMatrix<float>::room(2 * U, U) + StepMatrix<float>::room(U, U);
  return {0, 2 * mostRecurrentRows(B) * U + std::max(apart, StepMatrix<float>::room(3 * U, U))};
}

}  // namespace
}  // namespace fjordnet::FJORDNET_ISA
