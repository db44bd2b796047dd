// Long short-term memory (Hochreiter and Schmidhuber 1997; Gers and others 2000), over whole sequences: recurrent.h.
#pragma once

#include "recurrent.h"

namespace fjordnet::FJORDNET_ISA {
namespace {

// i, f, o = rec(z_s + h_{s-1} R), g = act(the same);  c_s = f c_{s-1} + i g;  h_s = o act(c_s). In z, R and gates they
// lie in the order i, f, g, o.
template <typename T>
void lstm(const Cpu<T>& cpu, Index B, Index S, Index U, In<T> z, In<T> r, In<T> h0, In<T> c0, In<T> drop, In<T> mask,
          Out<T> gates, Out<T> c, Out<T> h, double activation, double recurrent) {
  const Sequences<T> q{B, S, U, h, h0, drop, mask};
  const Index G = 4 * U;
  withGates(activation, recurrent, [&](auto act, auto rec) {
    recurrentTiles(cpu.team, B, [&](Index first, Index n, int slot) {
      StepMatrix<T> weights(r, U, G, G, cpu.scratch(slot) + n * U);
      for (Index s = 0; s < S && !cpu.isStopped(); ++s) {
        const Index begin = first * S + s;
        const auto before = q.before(first, s);
        weights.multiply(n, q.entering(first, n, s, cpu.scratch(slot)), {z + begin * G, S * G}, gates + begin * G,
                         S * G);
        for (Index i = 0; i < n; ++i) {
          const Index at = begin + i * S;
          const bool isMasked = q.isMasked(first + i, s);
          const T* cell = s > 0 ? c + (at - 1) * U : c0 == nullptr ? nullptr : c0 + (first + i) * U;
          const T* state = before.at == nullptr ? nullptr : before.at + i * before.apart;
          T* to = gates + at * G;
          vectors<T>(0, U, [&](Index j, auto lanes) {
            const Vector<T> old = cell == nullptr ? Vector<T>{} : load(cell + j, lanes);
            if (isMasked) {
              store(c + at * U + j, old, lanes);
              store(h + at * U + j, state == nullptr ? Vector<T>{} : load(state + j, lanes), lanes);
              return;
            }
            const auto gate = [&](Index k, const auto& f) {
              const auto y = f(load(to + k * U + j, lanes));
              store(to + k * U + j, y, lanes);
              return y;
            };
            const auto in = gate(0, rec), forget = gate(1, rec), fresh = gate(2, act), out = gate(3, rec);
            const auto next = forget * old + in * fresh;
            store(c + at * U + j, next, lanes);
            store(h + at * U + j, out * act(next), lanes);
          });
        }
      }
    });
  });
}
inline Scratch lstmScratch(Index B, Index, Index U) {
  return {0, mostRecurrentRows(B) * U + StepMatrix<float>::room(U, 4 * U)};
}

// The same backwards, where rt is R.T; dc is the gradient of the last cell state.
template <typename T>
void lstmGradient(const Cpu<T>& cpu, Index B, Index S, Index U, In<T> gates, In<T> c, In<T> rt, In<T> c0, In<T> drop,
                  In<T> mask, In<T> dh, In<T> dlast, In<T> dc, Out<T> dz, Out<T> dh0, Out<T> dc0, double activation,
                  double recurrent) {
  const Sequences<T> q{B, S, U, nullptr, nullptr, drop, mask};
  const StateDeltas<T> given{dh, dlast}, ofCell{nullptr, dc};
  const Index G = 4 * U;
  withGates(activation, recurrent, [&](auto act, auto rec) {
    recurrentTiles(cpu.team, B, [&](Index first, Index n, int slot) {
      T *carry = cpu.scratch(slot), *cells = carry + n * U, *room = cells + n * U;
      StepMatrix<T> weights(rt, G, U, U, room + n * U);
      given.begin(first, n, U, carry);
      ofCell.begin(first, n, U, cells);
      for (Index s = S; s-- > 0 && !cpu.isStopped();) {
        for (Index i = 0; i < n; ++i) {
          const Index at = (first + i) * S + s;
          const T *y = gates + at * G, *last = s > 0           ? c + (at - 1) * U
                                               : c0 == nullptr ? nullptr
                                                               : c0 + (first + i) * U;
          T *state = carry + i * U, *cell = cells + i * U, *to = dz + at * G;
          given.add(at, U, state);
          if (q.isMasked(first + i, s)) {
            std::fill_n(to, G, T(0));
            continue;
          }
          vectors<T>(0, U, [&](Index j, auto lanes) {
            const auto in = load(y + j, lanes), forget = load(y + U + j, lanes);
            const auto fresh = load(y + 2 * U + j, lanes), out = load(y + 3 * U + j, lanes);
            const auto total = load(state + j, lanes), active = act(load(c + at * U + j, lanes));
            const auto down = flushed(load(cell + j, lanes) + total * out * act.slope(active));
            const Vector<T> old = last == nullptr ? Vector<T>{} : load(last + j, lanes);
            store(to + j, flushed(down * fresh * rec.slope(in)), lanes);
            store(to + U + j, flushed(down * old * rec.slope(forget)), lanes);
            store(to + 2 * U + j, flushed(down * in * act.slope(fresh)), lanes);
            store(to + 3 * U + j, flushed(total * active * rec.slope(out)), lanes);
            store(cell + j, flushed(down * forget), lanes);
            store(state + j, Vector<T>{}, lanes);
          });
        }
        if (s > 0 || dh0 != nullptr)
          q.back(first, n, {dz + (first * S + s) * G, S * G}, weights, mask != nullptr, carry, room);
      }
      if (dh0 != nullptr) std::copy_n(carry, n * U, dh0 + first * U);
      if (dc0 != nullptr) std::copy_n(cells, n * U, dc0 + first * U);
    });
  });
}
inline Scratch lstmGradientScratch(Index B, Index, Index U) {
  return {0, 3 * mostRecurrentRows(B) * U + StepMatrix<float>::room(4 * U, U)};
}

}  // namespace
}  // namespace fjordnet::FJORDNET_ISA
