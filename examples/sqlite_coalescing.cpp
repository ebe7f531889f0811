// SPDX-License-Identifier: MIT
// A cache in front of a database. Many threads ask for products; `get_or_compute` lets one of those
// who ask for the same one run the query, and the others wait for its result: however many come at
// once, the database sees one.
//
// needs: SQLite3 SQLite::SQLite3
// prints: 32 threads, one cold product: 1 query
#include <concur/lru_lockmap.hpp>

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <barrier>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

constexpr int products = 2'000;
constexpr int sales_of_each = 50;

struct product {
  std::string name;
  double revenue = 0;
};

/// One connection; used by one thread at a time.
class database {
 public:
  explicit database(const std::string& path) {
    sqlite3* opened = nullptr;
    const int code = sqlite3_open(path.c_str(), &opened);
    connection_.reset(opened);
    check(code);
    sqlite3_busy_timeout(opened, 10'000);
  }
  void run(const char* sql) {
    check(sqlite3_exec(connection_.get(), sql, nullptr, nullptr, nullptr));
  }

  /// All sales of a product, summed up.
  product find(int id) {
    if (!query_) {
      sqlite3_stmt* prepared = nullptr;
      check(sqlite3_prepare_v2(connection_.get(),
                               "SELECT name, SUM(amount * price) FROM product JOIN sale ON "
                               "sale.product = product.id WHERE product.id = ?1",
                               -1, &prepared, nullptr));
      query_.reset(prepared);
    }
    sqlite3_stmt* const query = query_.get();
    sqlite3_bind_int(query, 1, id);
    if (sqlite3_step(query) != SQLITE_ROW) throw std::runtime_error("no such product");
    product found{reinterpret_cast<const char*>(sqlite3_column_text(query, 0)),
                  sqlite3_column_double(query, 1)};
    sqlite3_reset(query);
    queries.fetch_add(1, std::memory_order_relaxed);
    return found;
  }

  static inline std::atomic<int> queries{0};

 private:
  void check(int code) {
    if (code != SQLITE_OK) throw std::runtime_error(sqlite3_errmsg(connection_.get()));
  }
  struct closer {
    void operator()(sqlite3* connection) const { sqlite3_close(connection); }
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  std::unique_ptr<sqlite3, closer> connection_;
  std::unique_ptr<sqlite3_stmt, closer> query_;
};

/// A folder that is gone afterwards, with the database in it.
class folder {
 public:
  folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "concur-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
    path_ = pattern;
  }
  folder(const folder&) = delete;
  folder& operator=(const folder&) = delete;
  ~folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string file() const { return (path_ / "shop.db").string(); }

 private:
  std::filesystem::path path_;
};

void make_shop(const std::string& path) {
  database db(path);
  db.run(
      "PRAGMA journal_mode = WAL; BEGIN;"
      "CREATE TABLE product (id INTEGER PRIMARY KEY, name TEXT);"
      "CREATE TABLE sale (product INTEGER, amount INTEGER, price REAL);");
  for (int id = 0; id < products; ++id) {
    const std::string number = std::to_string(id);
    std::string sql = "INSERT INTO product VALUES (";
    sql.append(number).append(", 'product ").append(number);
    sql.append("'); INSERT INTO sale VALUES ");
    for (int i = 0; i < sales_of_each; ++i) {
      sql.append(i == 0 ? "(" : ",(").append(number).append(i % 2 == 0 ? ",1,9.5)" : ",2,9.0)");
    }
    db.run(sql.c_str());
  }
  db.run("CREATE INDEX sale_of_product ON sale (product); COMMIT;");
}

/// Each thread has a connection, opened before they all start together.
template <class Body>
void on_threads(int count, const std::string& path, Body body) {
  std::barrier start(count);
  std::vector<std::thread> threads;
  threads.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) {
    threads.emplace_back([&start, &body, &path, i] {
      database db(path);
      start.arrive_and_wait();
      body(db, i);
    });
  }
  for (auto& thread : threads) thread.join();
}

double microseconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin)
      .count();
}

void print_latency(const char* what, std::vector<double>& taken) {
  std::sort(taken.begin(), taken.end());
  const auto at = [&](double q) {
    return taken[static_cast<std::size_t>(q * static_cast<double>(taken.size() - 1))];
  };
  std::printf("%-16s median %8.1f us, 99th percentile %8.1f us\n", what, at(0.5), at(0.99));
}

/// Products are not equally popular: the k-th most with probability in proportion to 1 / k.
std::vector<int> customers(int n, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> uniform(0, 1);
  std::vector<int> wanted(static_cast<std::size_t>(n));
  for (int& id : wanted) {
    id = static_cast<int>(std::pow(static_cast<double>(products), uniform(random))) - 1;
  }
  return wanted;
}

}  // namespace

int main() {
  const folder temporary;
  make_shop(temporary.file());
  concur::lru_lockmap<int, product> cache(products / 4);

  // A product that nobody has asked for yet, and then all do.
  constexpr int crowd = 32;
  on_threads(crowd, temporary.file(),
             [&](database& db, int) { cache.get_or_compute(42, [&] { return db.find(42); }); });
  std::printf("%d threads, one cold product: %d query\n", crowd, database::queries.load());

  // A day's business, with room for a quarter of the products.
  constexpr int threads = 4, requests = 20'000;
  std::array<std::vector<double>, threads> cached, direct;
  const auto before = cache.stats();
  database::queries = 0;
  on_threads(threads, temporary.file(), [&](database& db, int t) {
    const auto i = static_cast<std::size_t>(t);
    for (const int id : customers(requests, static_cast<unsigned>(t))) {
      const auto begin = std::chrono::steady_clock::now();
      cache.get_or_compute(id, [&] { return db.find(id); });
      cached[i].push_back(microseconds_since(begin));
    }
    for (const int id : customers(requests / 10, static_cast<unsigned>(t))) {
      const auto begin = std::chrono::steady_clock::now();
      db.find(id);
      direct[i].push_back(microseconds_since(begin));
    }
  });
  const auto after = cache.stats();
  const double hits = static_cast<double>(after.hits - before.hits);
  const double misses = static_cast<double>(after.misses - before.misses);
  std::printf("%d requests, %.1f %% hits, %d queries\n", threads * requests,
              100 * hits / (hits + misses), database::queries.load() - threads * requests / 10);
  std::vector<double> all_cached, all_direct;
  for (std::size_t t = 0; t < threads; ++t) {
    all_cached.insert(all_cached.end(), cached[t].begin(), cached[t].end());
    all_direct.insert(all_direct.end(), direct[t].begin(), direct[t].end());
  }
  print_latency("with the cache", all_cached);
  print_latency("without", all_direct);
}
