// Whether a job fits a plan: what is wrong is thrown, in one sentence, and nothing is changed.
#pragma once

#include <stdexcept>
#include <string>

#include "arena.h"
#include "job.h"

namespace fjordnet {

inline void checkOutput(const BufferSpec& b) {
  if (!b.batched || b.type != Type::kReal)
    throw std::invalid_argument("Expected outputs to be batched buffers of real numbers");
}

template <typename T>
void checkShares(const Job<T>& job) {
  if (job.period > 0) throw std::invalid_argument("Expected no period with shares");
  Index count = 0;
  for (const auto& [own, before, of] : job.shares) {
    if (own < 0 || before < 0 || of < 1 || of > kMostSize || own > of - before)
      throw std::out_of_range("Expected shares to lie in batches of fewer than 2^31 samples");
    if (own > job.batchSize) throw std::out_of_range("Expected shares of batchSize samples at most");
    count += own;
  }
  if (count != job.count) throw std::invalid_argument("Expected shares to be of all samples");
}

template <typename T, typename V>
void checkInput(const Job<T>& job, const PlanSpec& spec, const Arena<T>& arena, int index, const Dataset<V>& data) {
  constexpr bool isInt32 = std::is_same_v<V, std::int32_t>;
  const auto& b = arena.buffer(index);
  if (b.type != (isInt32 ? Type::kInt32 : Type::kReal)) {
    throw std::invalid_argument("Expected samples of " + std::string(isInt32 ? "real numbers" : "int32") + " for " +
                                describe(spec.buffers, index) + ", got " + (isInt32 ? "int32" : "real numbers"));
  }
  if (!b.batched || b.size != data.width) {
    throw std::invalid_argument("Expected input samples of " + std::to_string(b.size) + " values, got " +
                                std::to_string(data.width));
  }
  bool inside = !job.rows.empty() || (job.count <= data.rows && job.first <= data.rows - job.count);
  for (auto row : job.rows) inside = inside && row >= 0 && row < data.rows;
  if (!inside) throw std::out_of_range("Expected rows to lie in [0, " + std::to_string(data.rows) + ")");
}

template <typename T>
void checkJob(const Job<T>& job, const PlanSpec& spec, const Arena<T>& arena) {
  if (spec.programs.find(job.program) == spec.programs.end())
    throw std::invalid_argument("Expected program to be one of the plan's, got '" + job.program + "'");
  if (job.batchSize < 1) throw std::invalid_argument("Expected batchSize to be a positive integer");
  if (job.first < 0 || job.count < 0 || job.period < 0)
    throw std::out_of_range("Expected first, count and period to be non-negative");
  const Index steps = job.stepCount();
  if (job.exchange != nullptr) checkShares(job);
  for (const auto& [index, data] : job.inputs) checkInput(job, spec, arena, index, *data);
  for (const auto& [index, data] : job.int32Inputs) checkInput(job, spec, arena, index, *data);
  for (int s : job.scalars) {
    if (s < 0 || s >= static_cast<int>(spec.scalars.size()))
      throw std::invalid_argument("Expected a scalar of the plan");
  }
  if (static_cast<Index>(job.values.size()) != times(steps, static_cast<Index>(job.scalars.size())))
    throw std::invalid_argument("Expected values to hold one row a step");
  for (int output : job.outputs) checkOutput(arena.buffer(output));
}

}  // namespace fjordnet
