#include "storage/changes.h"

#include <iterator>

namespace wharf::storage {

namespace {

// What can be large; the rest of a row is its struct.
std::size_t held(const InsertMessage& change) { return change.row.content.size() + change.row.body.size(); }
std::size_t held(const SealOutbox& change) { return change.stanza.size(); }
std::size_t held(const InsertOutbox& change) { return change.row.stanza.size(); }
std::size_t held(const PutRatchet& change) { return change.record.size(); }
std::size_t held(const AddPreKeys& change) { return change.keys.size() * sizeof(protocol::PreKey); }
std::size_t held(const InsertSession& change) { return change.row.config.size() + change.row.metadata.size(); }
std::size_t held(const UpdateSession& change) { return change.row.config.size() + change.row.metadata.size(); }
template <class Row>
std::size_t held(const Row&) {
  return 0;
}

}  // namespace

void Changes::append(Changes&& more) {
  const auto move_to = [](auto& to, auto& from) {
    to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
    from.clear();
  };
  move_to(rows_, more.rows_);
  move_to(events_, more.events_);
}

std::size_t Changes::bytes() const {
  std::size_t bytes = rows_.size() * sizeof(Change);
  for (const Change& change : rows_) bytes += std::visit([](const auto& row) { return held(row); }, change);
  for (const NewEvent& event : events_) bytes += sizeof(NewEvent) + event.data.size();
  return bytes;
}

}  // namespace wharf::storage
