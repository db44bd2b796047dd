// What a plan is asked to do, and what comes of it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "dataset.h"
#include "exchange.h"
#include "kernel.h"

namespace fjordnet {

// Rows of a batch: `count` of its `of`, behind the `before` that others have.
struct Share {
  Index count = 0, before = 0, of = 0;

  bool operator==(const Share& other) const { return count == other.count && before == other.before && of == other.of; }
};

template <typename T>
struct Job {
  template <typename V>
  using Inputs = std::vector<std::pair<int, std::shared_ptr<const Dataset<V>>>>;

  std::string program;
  Inputs<T> inputs;
  Inputs<std::int32_t> int32Inputs;
  std::vector<std::int32_t> rows;  // samples of all batches in turn; where empty, samples first .. first + count - 1
  Index first = 0;
  Index count = 0;
  Index batchSize = 1;
  Index period = 0;                    // where positive, batches begin anew after so many samples: at an epoch's end
  std::vector<int> scalars;            // set before each step from
  std::vector<double> values;          // [steps, scalars.size()]
  std::vector<int> outputs;            // batched buffers of real numbers to collect
  std::vector<Share> shares;           // of a rank: what it has of each batch, in place of batchSize and period
  const Exchange* exchange = nullptr;  // of a rank
  bool overlaps = false;               // of a rank: are sums of gradients started while others are computed?
  bool isToStop = false;               // has this rank all of them stop after the first step?

  // What there is of the batch of this step, which begins at this sample.
  Share shareAt(Index step, Index at) const {
    if (exchange != nullptr) return shares[static_cast<std::size_t>(step)];
    const Index n = std::min(batchSize, (period > 0 ? std::min(count, at - at % period + period) : count) - at);
    return {n, 0, n};
  }
  Index stepCount() const {
    if (exchange != nullptr) return static_cast<Index>(shares.size());
    const auto batches = [this](Index n) { return n / batchSize + (n % batchSize != 0); };
    return period > 0 ? count / period * batches(period) + batches(count % period) : batches(count);
  }

  // results
  Index steps = 0;
  bool isStopped = false;  // of a rank: one of them was to stop, so all did after this step
  double seconds = 0.0;
  std::vector<double> report;             // [steps, report size]
  std::vector<std::vector<T>> collected;  // [count, its size] of each output
};

}  // namespace fjordnet
