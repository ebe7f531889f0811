// SPDX-License-Identifier: MIT
/// \file
/// Brings `std::equal_to<>`, and with it `std::allocator_traits`, `std::pointer_traits`,
/// `std::construct_at`, `std::destroy_at` and `std::addressof`, without <functional> and <memory>,
/// which cost about 100 and 70 ms to parse. libstdc++ has them behind <string> (as behind <atomic>,
/// which every map includes), and so have libc++ and Microsoft's library; <string_view>, <array> or
/// <utility> are not enough for the first.
#pragma once

#include <string>

#if !defined(__GLIBCXX__) && !defined(_LIBCPP_VERSION) && !defined(_MSVC_STL_VERSION)
#include <functional>
#include <memory>
#endif
