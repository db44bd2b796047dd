// What a plan is asked to do, and what comes of it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "dataset.h"
#include "kernel.h"

namespace fjordnet {

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
  Index period = 0;            // where positive, batches begin anew after so many samples: at an epoch's end
  std::vector<int> scalars;    // set before each step from
  std::vector<double> values;  // [steps, scalars.size()]
  std::vector<int> outputs;    // batched buffers of real numbers to collect

  // The size of the batch that begins at this sample.
  Index batchAt(Index at) const {
    return std::min(batchSize, (period > 0 ? std::min(count, at - at % period + period) : count) - at);
  }
  Index stepCount() const {
    const auto batches = [this](Index n) { return n / batchSize + (n % batchSize != 0); };
    return period > 0 ? count / period * batches(period) + batches(count % period) : batches(count);
  }

  // results
  Index steps = 0;
  double seconds = 0.0;
  std::vector<double> report;             // [steps, report size]
  std::vector<std::vector<T>> collected;  // [count, its size] of each output
};

}  // namespace fjordnet
