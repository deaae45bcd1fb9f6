#include "tests/simulation/trace.h"

#include <fmt/format.h>

#include <cstdio>
#include <cstring>

namespace wharf::simulation {

namespace {

constexpr std::uint64_t fnv_prime = 1'099'511'628'211u;

/// FNV-1a over words of 8 bytes, the upper half folded in: every frame of a world goes through this.
std::uint64_t fnv(std::uint64_t hash, std::string_view bytes) {
  for (; bytes.size() >= 8; bytes.remove_prefix(8)) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data(), 8);
    hash = (hash ^ word) * fnv_prime;
    hash ^= hash >> 32;
  }
  for (const char byte : bytes) hash = (hash ^ static_cast<unsigned char>(byte)) * fnv_prime;
  return hash;
}

}  // namespace

std::uint64_t digest(std::string_view bytes) { return fnv(14'695'981'039'346'656'037u, bytes); }

std::string clock_text(Micros time) {
  return fmt::format("{}.{:06}", time.count() / 1'000'000, time.count() % 1'000'000);
}

void Trace::mix(std::string_view bytes) { hash_ = fnv(hash_, bytes); }

void Trace::count(std::uint64_t number) { hash_ = (hash_ ^ number) * fnv_prime; }

void Trace::aside(std::string_view kind, std::string_view text) const {
  if (show_ == Show::everything)
    std::printf("%12s %-8s %s\n", clock_text(time_.now()).c_str(), std::string(kind).c_str(),
                std::string(text).c_str());
}

void Trace::note(std::string_view kind, std::string_view text) {
  std::string line = fmt::format("{:>12} {:8} {}", clock_text(time_.now()), kind, text);
  mix(line);
  ++lines_;
  if (show_ == Show::everything) std::printf("%s\n", line.c_str());
  newest_.push_back(std::move(line));
  if (newest_.size() > kept) newest_.pop_front();
}

}  // namespace wharf::simulation
