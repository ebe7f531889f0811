// SPDX-License-Identifier: MIT
// A near cache: values of a Redis server, kept in the process. The server remembers who has read
// which key, and says when somebody writes it (client-side caching, CLIENT TRACKING). The message
// may come while the old value is still on its way here; as a load holds the key, `erase` waits for
// it, and nothing that is out of date stays.
//
// Starts a server of its own, on a socket in a folder that is gone afterwards.
//
// needs-pkg: hiredis
// needs-program: redis-server
// prints: what others write is seen
#include <concur/lru_lockmap.hpp>

#include <hiredis/hiredis.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

/// redis-server, as long as this lives.
class server {
 public:
  server() {
    std::string pattern = (std::filesystem::temp_directory_path() / "concur-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
    folder_ = pattern;
    socket_ = folder_ + "/redis.sock";
    process_ = fork();
    if (process_ == 0) {
      execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", socket_.c_str(),
             "--dir", folder_.c_str(), "--save", "", "--logfile", (folder_ + "/log").c_str(),
             static_cast<char*>(nullptr));
      _exit(127);
    }
  }
  server(const server&) = delete;
  server& operator=(const server&) = delete;
  ~server() {
    kill(process_, SIGTERM);
    waitpid(process_, nullptr, 0);
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  const std::string& socket() const { return socket_; }

 private:
  std::string folder_;
  std::string socket_;
  pid_t process_;
};

struct reply_deleter {
  void operator()(redisReply* reply) const { freeReplyObject(reply); }
};
using reply = std::unique_ptr<redisReply, reply_deleter>;

class connection {
 public:
  explicit connection(const server& to) {
    // The server may still be starting.
    for (int tries = 0; tries < 500; ++tries) {
      context_.reset(redisConnectUnix(to.socket().c_str()));
      if (context_ && context_->err == 0) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    throw std::runtime_error("no answer from redis-server");
  }
  template <class... Args>
  reply command(const char* format, Args... args) {
    reply got(static_cast<redisReply*>(redisCommand(context_.get(), format, args...)));
    if (!got || got->type == REDIS_REPLY_ERROR) {
      throw std::runtime_error(got ? got->str : context_->errstr);
    }
    return got;
  }
  /// The next message; empty when the connection is lost or was interrupted.
  reply next() {
    void* got = nullptr;
    if (redisGetReply(context_.get(), &got) != REDIS_OK) return nullptr;
    return reply(static_cast<redisReply*>(got));
  }
  void interrupt() { shutdown(context_->fd, SHUT_RDWR); }

 private:
  struct closer {
    void operator()(redisContext* context) const { redisFree(context); }
  };
  std::unique_ptr<redisContext, closer> context_;
};

class near_cache {
 public:
  near_cache(const server& from, std::size_t capacity)
      : cache_(capacity), messages_(from), redis_(from) {
    const long long listener = messages_.command("CLIENT ID")->integer;
    messages_.command("SUBSCRIBE __redis__:invalidate");
    redis_.command("CLIENT TRACKING ON REDIRECT %lld", listener);
    listener_ = std::thread([this] { listen(); });
  }
  near_cache(const near_cache&) = delete;
  near_cache& operator=(const near_cache&) = delete;
  ~near_cache() {
    messages_.interrupt();
    listener_.join();
  }

  /// The value of `key`; empty where there is none, which is remembered, too.
  std::string get(const std::string& key) {
    // acquire: pairs with the release in listen(); nothing is believed that was not watched.
    if (!is_watched_.load(std::memory_order_acquire)) return ask(key);
    return cache_.get_or_compute(key, [&] { return ask(key); });
  }
  int asked() const { return asked_.load(std::memory_order_relaxed); }

 private:
  std::string ask(const std::string& key) {
    const std::lock_guard locked(redis_lock_);
    asked_.fetch_add(1, std::memory_order_relaxed);
    const reply got = redis_.command("GET %b", key.data(), key.size());
    return got->type == REDIS_REPLY_STRING ? std::string(got->str, got->len) : std::string();
  }
  /// ["message", "__redis__:invalidate", [key, ...]], or nil for all keys.
  void listen() {
    while (const reply got = messages_.next()) {
      if (got->type != REDIS_REPLY_ARRAY || got->elements != 3) continue;
      const redisReply& keys = *got->element[2];
      if (keys.type != REDIS_REPLY_ARRAY) {
        cache_.clear();
        continue;
      }
      for (std::size_t i = 0; i < keys.elements; ++i) {
        cache_.erase(std::string(keys.element[i]->str, keys.element[i]->len));
      }
    }
    // release: pairs with the acquire in get().
    is_watched_.store(false, std::memory_order_release);
    cache_.clear();
  }

  concur::lru_lockmap<std::string, std::string> cache_;
  connection messages_;
  std::mutex redis_lock_;
  connection redis_;
  std::atomic<bool> is_watched_{true};
  std::atomic<int> asked_{0};
  std::thread listener_;
};

/// The message of a write takes a moment.
bool comes_to(near_cache& cache, const std::string& key, const std::string& value) {
  for (int tries = 0; tries < 5'000; ++tries) {
    if (cache.get(key) == value) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return false;
}

}  // namespace

int main() {
  const server redis;
  connection elsewhere(redis);
  elsewhere.command("SET greeting hello");

  near_cache cache(redis, 1'000);
  for (int i = 0; i < 1'000; ++i) cache.get("greeting");
  std::printf("1000 reads of one key: %d reached the server\n", cache.asked());
  elsewhere.command("SET greeting goodbye");
  bool seen = comes_to(cache, "greeting", "goodbye");

  // Readers, while somebody writes.
  constexpr int writes = 2'000;
  std::atomic<bool> over{false};
  std::atomic<long> reads{0};
  const int asked_before = cache.asked();
  std::vector<std::thread> readers;
  readers.reserve(4);
  for (int t = 0; t < 4; ++t) {
    readers.emplace_back([&] {
      long mine = 0;
      while (!over.load(std::memory_order_relaxed)) {
        cache.get("counter:" + std::to_string(mine++ % 10));
      }
      reads.fetch_add(mine, std::memory_order_relaxed);
    });
  }
  for (int i = 0; i < writes; ++i) elsewhere.command("SET counter:%d %d", i % 10, i);
  for (int key = 0; key < 10; ++key) {
    const std::string name = "counter:" + std::to_string(key);
    seen = comes_to(cache, name, std::to_string(writes - 10 + key)) && seen;
  }
  over = true;
  for (auto& reader : readers) reader.join();
  std::printf("%ld reads beside %d writes: %d reached the server\n", reads.load(), writes,
              cache.asked() - asked_before);
  std::puts(seen ? "what others write is seen" : "WRONG: an old value stayed");
  return seen ? 0 : 1;
}
