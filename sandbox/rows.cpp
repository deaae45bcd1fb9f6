#include "sandbox/rows.h"

#include <utility>

namespace wharf::sandbox {

std::string row_number(std::uint64_t value, std::size_t width) {
  std::string out(width, '\0');
  for (std::size_t i = width; i-- > 0; value >>= 8) out[i] = static_cast<char>(value & 0xff);
  return out;
}

std::uint64_t number_in_row(std::string_view bytes) { return protocol::from_big_endian(protocol::as_bytes(bytes)); }

void Changes::note(RowKind kind, std::string_view owner, std::string name, bool created) {
  if (!on_first) return;
  const bool first = rows_.empty();
  rows_.try_emplace(RowKey{kind, std::string(owner), std::move(name)}, created);
  if (first) on_first();
}

std::vector<RowChange> Changes::take(const std::function<std::optional<protocol::Bytes>(const RowKey&)>& row) {
  std::vector<RowChange> out;
  out.reserve(rows_.size());
  for (auto& [key, created] : std::exchange(rows_, {})) {
    auto value = row(key);
    if (value || !created) out.push_back({key, std::move(value)});
  }
  return out;
}

}  // namespace wharf::sandbox
