// SPDX-License-Identifier: MIT
#include <atomic>
#include <concur/detail/reclaim/hazard_frame.hpp>
#include <concur/detail/sync/backoff.hpp>
#include <memory>
#include <set>
#include <thread>
#include <vector>

#include "support/catch.hpp"
#include "support/threads.hpp"

using namespace concur::detail;

TEST_CASE("a frame announces, gives up, and clears at its end", "[reclaim][hazard_frame]") {
  int a = 0;
  int b = 0;
  {
    hazard_frame frame(thread_slots::mine());
    frame.announce(0, &a);
    frame.announce(4, &b);
    REQUIRE(hazard_set().contains(&a));
    REQUIRE(hazard_set().contains(&b));
    frame.announce(0, &b);
    REQUIRE_FALSE(hazard_set().contains(&a));
    frame.clear(4);
    REQUIRE(hazard_set().contains(&b));
  }
  REQUIRE_FALSE(hazard_set().contains(&b));
}

TEST_CASE("frames nest deeper than a slot has words", "[reclaim][hazard_frame]") {
  constexpr int depth = 20;
  int objects[depth] = {};
  thread_slot& me = thread_slots::mine();
  std::vector<std::unique_ptr<hazard_frame>> frames;
  for (int& object : objects) {
    frames.push_back(std::make_unique<hazard_frame>(me));
    frames.back()->announce(2, &object);
  }
  {
    const hazard_set now;
    for (const int& object : objects) REQUIRE(now.contains(&object));
  }
  while (!frames.empty()) frames.pop_back();
  const hazard_set now;
  for (const int& object : objects) REQUIRE_FALSE(now.contains(&object));
  REQUIRE(me.hazard_sections.load() == 0);
}

TEST_CASE("a row belongs to one owner at a time", "[reclaim][hazard_frame]") {
  concur_test::failures failures;
  concur_test::on_threads(4, failures, [&](int) {
    for (int i = 0; i < 300; ++i) {
      std::vector<hazard_row*> rows;
      for (int n = 0; n < 20; ++n) {
        rows.push_back(&hazard_rows::take());
        MT_CHECK(failures, rows.back()->words[1].exchange(1) == 0);
      }
      for (hazard_row* row : rows) {
        row->words[1].store(0);
        hazard_rows::give_back(*row);
      }
    }
  });
  failures.require();
}

TEST_CASE("rows of threads that ended are used again", "[reclaim][hazard_frame]") {
  std::set<hazard_row*> seen;
  for (int i = 0; i < 500; ++i) {
    std::thread([&] {
      hazard_row& row = hazard_rows::take();
      seen.insert(&row);
      hazard_rows::give_back(row);
    }).join();
  }
  REQUIRE(seen.size() < 100);
}

TEST_CASE("a set of any size finds exactly what is announced", "[reclaim][hazard_frame]") {
  std::vector<int> objects(300);
  for (std::size_t announced = 0; announced <= 260; announced += 13) {
    std::vector<hazard_row*> rows;
    for (std::size_t i = 0; i < announced; ++i) {
      rows.push_back(&hazard_rows::take());
      announce_hazard(rows.back()->words[i % hazards_per_frame], &objects[i * 7 % 300]);
    }
    const hazard_set now;
    REQUIRE(now.size() == announced);
    std::vector<bool> expected(300);
    for (std::size_t i = 0; i < announced; ++i) expected[i * 7 % 300] = true;
    for (std::size_t i = 0; i < 300; ++i) REQUIRE(now.contains(&objects[i]) == expected[i]);
    for (std::size_t i = 0; i < announced; ++i) {
      clear_hazard(rows[i]->words[i % hazards_per_frame]);
      hazard_rows::give_back(*rows[i]);
    }
  }
}
