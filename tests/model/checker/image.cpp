// SPDX-License-Identifier: MIT
/// \file
/// The program's own data segment: .data and .bss are put back after every execution, so that
/// static variables of the code under test start each one as they were when `run` was called.
/// Only the words that instrumented code wrote are restored.
#include <link.h>
#include <sys/mman.h>

#include "state.hpp"

namespace mc::detail {

namespace {

int inspect(dl_phdr_info* info, std::size_t, void*) {
  u64 data_begin = ~u64{0};
  u64 data_end = 0;
  u64 relro_end = 0;
  u64 end = 0;
  for (int k = 0; k < info->dlpi_phnum; ++k) {
    const auto& h = info->dlpi_phdr[k];
    const u64 a = info->dlpi_addr + h.p_vaddr;
    if (h.p_type == PT_LOAD && a + h.p_memsz > end) end = a + h.p_memsz;
    if (h.p_type == PT_LOAD && (h.p_flags & PF_W) != 0) {
      if (a < data_begin) data_begin = a;
      if (a + h.p_memsz > data_end) data_end = a + h.p_memsz;
    }
    if (h.p_type == PT_GNU_RELRO) relro_end = a + h.p_memsz;
    if (h.p_type == PT_TLS) {
      rt->tls_image = reinterpret_cast<const char*>(a);
      rt->tls_image_size = h.p_filesz;
      rt->tls_size = h.p_memsz;
#if defined(__x86_64__)
      u64 pointer;
      asm("mov %%fs:0, %0" : "=r"(pointer));
#else
      const u64 pointer = reinterpret_cast<u64>(__builtin_thread_pointer());
#endif
      rt->tls_offset = reinterpret_cast<u64>(info->dlpi_tls_data) - pointer;
    }
  }
  rt->program_base = info->dlpi_addr;
  rt->program_end = end;
  rt->image_begin =
      (data_begin > relro_end || relro_end > data_end ? data_begin : relro_end) & ~u64{7};
  rt->image_end = (data_end + 7) & ~u64{7};
  return 1;  // the program itself comes first; the shared libraries are not asked
}

}  // namespace

void find_image() {
  dl_iterate_phdr(inspect, nullptr);
  const u64 n = rt->image_end - rt->image_begin;
  rt->image_copy = static_cast<char*>(
      mmap(nullptr, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
}

void save_image() {
  std::memcpy(rt->image_copy, reinterpret_cast<const void*>(rt->image_begin),
              rt->image_end - rt->image_begin);
  rt->image_dirty_count = 0;
}

void note_image_write(granule& g, u64 address) {
  if (address - rt->image_begin >= rt->image_end - rt->image_begin || g.logged != 0) return;
  if (fault(25)) return;
  g.logged = 1;
  if (rt->image_dirty_count == image_capacity)
    stop(failure::misuse, "too much static storage is written");
  rt->image_dirty[rt->image_dirty_count++] = static_cast<u32>((address - rt->image_begin) >> 3);
}

void restore_image() {
  for (u32 i = 0; i < rt->image_dirty_count; ++i) {
    const u64 offset = 8 * static_cast<u64>(rt->image_dirty[i]);
    std::memcpy(reinterpret_cast<void*>(rt->image_begin + offset), rt->image_copy + offset, 8);
  }
  rt->image_dirty_count = 0;
}

}  // namespace mc::detail
