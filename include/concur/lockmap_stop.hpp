// SPDX-License-Identifier: MIT
/// \file
/// `lockmap::lock(k, stop_token)`: waits for a key until it has it or a stop is requested. Apart
/// from lockmap.hpp because of <stop_token>, which a C++ library may not have yet.
#pragma once

#include <atomic>
#include <concur/detail/lockmap/key_state.hpp>
#include <concur/detail/lockmap/patience.hpp>
#include <concur/lockmap.hpp>
#include <cstdint>
#include <stop_token>
#include <version>

#if defined(__cpp_lib_jthread)
namespace concur::inline CONCUR_ABI::detail::lockmap {

template <>
class patience_unless<std::stop_token> {
  struct interruption {
    std::atomic<std::uint32_t>* word;
    void operator()() const noexcept {
      // (1) release: whoever sees the mark sees that a stop was requested, and need not look again;
      // pairs with the acquire of key_lock.hpp (6).
      word->fetch_or(waiter::interrupted, std::memory_order_release);
      futex::wake_one(*word);
    }
  };

 public:
  static constexpr bool waits = true;
  explicit patience_unless(const std::stop_token& token) noexcept : token_(token) {}

  auto subscribe(std::atomic<std::uint32_t>& word) const noexcept {
    return std::stop_callback<interruption>(token_, interruption{&word});
  }
  bool is_over() const noexcept { return token_.stop_requested(); }
  bool sleep(std::atomic<std::uint32_t>& word, std::uint32_t seen) const noexcept {
    if (is_over()) return false;
    futex::wait(word, seen);
    return true;
  }

 private:
  const std::stop_token& token_;
};

}  // namespace concur::inline CONCUR_ABI::detail::lockmap
#endif
