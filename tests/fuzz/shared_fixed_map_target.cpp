// SPDX-License-Identifier: MIT
/// \file
/// A region with a map in it, some bytes of which somebody has changed, or which somebody has cut
/// off, or said to be larger or smaller than it is. It is rejected, or it is used: then answers may
/// be wrong, but nothing else may happen.
#include "support/keys32.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>
#include <utility>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

/// Nobody lives but the process that attaches: a lock that another seems to hold is not waited for.
struct fuzz_processes {
  static constexpr std::uint64_t id = 4242;
  static concur::detail::fixed_map::process_identity self() noexcept { return {id, 7, 7}; }
  static bool may_run(const concur::detail::fixed_map::process_identity& p) noexcept {
    return p.id == id && p.start == 7 && p.boot == 7;
  }
  static unsigned forks() noexcept { return 0; }
  static void watch_forks() noexcept {}
};

template <class T>
using shared_map = concur::detail::basic_shared_fixed_map<concur::key32, T, concur::digest_hash,
                                                          std::equal_to<>, fuzz_processes>;

constexpr std::size_t capacity = 8;

/// Memory on the heap, not a byte more than asked for, so that an access beside it is seen.
std::byte* make_memory(std::size_t bytes) {
  void* memory = nullptr;
  if (::posix_memalign(&memory, 64, bytes) != 0) std::abort();
  return static_cast<std::byte*>(memory);
}

template <class T>
class image {
 public:
  static std::size_t bytes() { return shared_map<T>::bytes_for(capacity); }
  image() {
    shared_map<T>::format(span(), capacity, 1);
    auto map = shared_map<T>::attach(span());
    for (std::uint64_t i = 0; i < 6; ++i) map.insert(concur_test::digest(i), T{});
    map.erase(concur_test::digest(3));
  }
  image(const image&) = delete;
  image& operator=(const image&) = delete;
  ~image() { std::free(memory_); }
  std::span<std::byte> span() const { return {memory_, size_}; }

  /// Some bytes are left.
  void cut_off(std::size_t left) {
    if (left > size_) return;
    std::byte* const shorter = make_memory(left);
    std::memcpy(shorter, memory_, left);
    std::free(std::exchange(memory_, shorter));
    size_ = left;
  }
  /// The header says another capacity, and does not contradict itself.
  void claim(std::size_t slots) {
    using description = concur::detail::fixed_map::region_description;
    description d{};
    if (size_ < sizeof d) return;
    std::memcpy(&d, memory_, sizeof d);
    d.capacity = slots;
    d.bytes = shared_map<T>::bytes_for(slots);
    d.checksum = d.sum();
    std::memcpy(memory_, &d, sizeof d);
    if (d.bytes <= size_) std::memcpy(memory_ + d.bytes - sizeof d.checksum, &d.checksum, 8);
  }

 private:
  std::size_t size_ = bytes();
  std::byte* memory_ = make_memory(size_);
};

struct input {
  const std::uint8_t* at;
  std::size_t left;
  unsigned next() {
    if (left == 0) return 0;
    --left;
    return *at++;
  }
};

template <class T>
void change(const image<T>& region, input& in) {
  const std::span<std::byte> bytes = region.span();
  for (unsigned n = in.next() % 16; n != 0; --n) {
    // The header is small, and rejected at once: one change in eight goes there.
    const std::size_t high = in.next();
    std::size_t at = high << 8 | in.next();
    if (high % 8 == 0) {
      at %= 64;
    } else if (high % 8 < 3) {
      at = 64 + at % 512;  // deaths, and the first entries of the table
    } else {
      const std::size_t tail =
          capacity * (8 + sizeof(concur::detail::fixed_map::shared_slot<concur::key32, T>));
      at = image<T>::bytes() - 1 - at % tail;
    }
    const auto flips = static_cast<std::byte>(in.next());
    if (at < bytes.size()) bytes[at] ^= flips;
  }
}

/// Before anybody attaches: somewhere in the header, in what follows, or so that what a smaller map
/// needs is left.
template <class T>
void cut_off(image<T>& region, input& in) {
  const unsigned kind = in.next();
  const std::size_t at = std::size_t{in.next()} << 8 | in.next();
  const std::size_t slots = std::size_t{1} << kind / 4 % 6;  // 1 to 32
  switch (kind % 4) {
    case 0:
      region.cut_off(at % (image<T>::bytes() + 1));
      break;
    case 1:
      region.cut_off(at % (sizeof(concur::detail::fixed_map::region_header) + 1));
      break;
    case 2:
      region.cut_off(shared_map<T>::bytes_for(slots) - at % 2);
      region.claim(slots);
      break;
    default:
      region.claim(slots);
  }
}

template <class T>
void read_all(shared_map<T>& map) {
  std::size_t n = map.size();
  for (std::uint64_t i = 0; i < 8; ++i) n += map.contains(concur_test::digest(i)) ? 1u : 0u;
  n += map.cvisit_all([&](const auto& e) { n += map.find(e.first).has_value() ? 1u : 0u; });
  n += map.scan(0, 3, [](const auto&) {});
  n += map.stats().longest_probe + map.processes();
  if (n == ~std::size_t{0}) std::abort();  // it is used
}

template <class T>
void run(input in, bool is_cut_off) {
  image<T> region;
  if (is_cut_off) cut_off(region, in);
  change(region, in);
  try {
    auto map = shared_map<T>::attach(region.span());
    read_all(map);
    for (unsigned n = 0; n < 40 && in.left != 0; ++n) {
      const unsigned operation = in.next();
      const auto key = concur_test::digest(operation / 8 % 8);
      switch (operation % 8) {
        case 0:
          map.insert(key, T{});
          break;
        case 1:
          map.erase(key);
          break;
        case 2:
          map.update(key, [](T& v) { ++v[0]; });
          break;
        case 3:
          map.insert_or_assign(key, T{});
          break;
        case 4:
          map.compute(key, [](auto& v) { v.reset(); }) ? void() : void();
          break;
        case 5:
          map.erase_if([](const auto& e) { return e.second[0] % 2 == 1; });
          break;
        case 6:
          static_cast<void>(map.verify());
          break;
        default:
          read_all(map);
      }
    }
    // And while it is attached.
    change(region, in);
    read_all(map);
  } catch (const concur::format_error&) {
  } catch (const std::length_error&) {  // compute of a full map
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  input in{data, size};
  const unsigned first = in.next();
  const bool is_cut_off = first / 2 % 4 == 3;
  if (first % 2 == 0) {
    run<std::array<std::uint32_t, 3>>(in, is_cut_off);
  } else {
    run<std::array<std::uint64_t, 4>>(in, is_cut_off);
  }
  return 0;
}
