#include "sessions/read_receipts.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace wharf::sessions {

void ReadReceipts::load() {
  for (auto& row : c_.records.load_read_receipts()) {
    last_row_ = row.row;
    pending_.emplace(row.row, Pending{std::move(row), false});
  }
}

Outcome<> ReadReceipts::mark_read(const Jid& chat) {
  const Jid canonical = directory_.canonical_user(chat);
  const auto row = c_.records.find_chat(canonical);
  if (!row) return Refusal(Errc::not_found, Subject::chat, "no such chat");
  if (row->unread == 0) return {};
  if (!c_.linked()) return Error(Errc::not_ready, "the session is not linked to a WhatsApp account");
  // One receipt names one author; in a 1:1 chat that is the chat itself.
  const bool shared = protocol::has_participants(canonical);
  std::map<Jid, std::vector<std::string>> by_author;
  const auto give = [&](const Jid& author, std::vector<std::string>& ids) {
    if (!ids.empty()) add(canonical, author, std::exchange(ids, {}));
  };
  for (const auto& message : c_.records.unread_messages(canonical, row->unread, looked_at)) {
    c_.records.add(storage::RaiseAck{c_.id(), message.row, storage::AckLevel::read, "", std::nullopt});
    if (canonical.is_channel()) continue;  // channels take no receipts (03 section 5.3)
    const Jid author = shared ? message.author : Jid();
    auto& ids = by_author[author];
    ids.push_back(message.id);
    if (ids.size() == max_ids) give(author, ids);
  }
  for (auto& [author, ids] : by_author) give(author, ids);
  // Not to 0: a message that arrived earlier in this turn was not looked at and stays unread.
  c_.records.add(storage::LowerUnread{c_.id(), canonical, row->unread});
  return {};
}

Outcome<> ReadReceipts::view(const storage::MessageRow& post) {
  if (post.ack >= storage::AckLevel::read) return {};
  if (!c_.linked()) return Error(Errc::not_ready, "the session is not linked to a WhatsApp account");
  if (post.row == 0) c_.records.add(storage::ReadReceived{c_.id(), post.chat, post.id});
  else c_.records.add(storage::RaiseAck{c_.id(), post.row, storage::AckLevel::read, "", std::nullopt});
  add(post.chat, post.author, {post.id});
  return {};
}

void ReadReceipts::add(const Jid& chat, const Jid& author, std::vector<std::string> ids) {
  while (pending_.size() >= max_pending) drop(pending_.begin()->first);
  storage::ReadReceiptRow row;
  row.row = ++last_row_;
  row.session = c_.id();
  row.chat = chat;
  row.author = author;
  row.ids = std::move(ids);
  row.read_at = c_.now.unix_ms;
  if (ready_) row.attempts = 1;
  c_.records.add(storage::InsertReadReceipt{row});
  Pending& pending = pending_[row.row];
  pending.row = std::move(row);
  if (ready_) transmit(pending);
}

void ReadReceipts::transmit(Pending& pending) {
  pending.sent = true;
  const storage::ReadReceiptRow& row = pending.row;
  Jid to = row.chat;
  if (fanout_.addressing(to) == Fanout::Addressing::phone_number) to = directory_.person(to).pn.value_or(to);
  std::optional<Jid> participant;
  if (!row.author.empty()) {
    using protocol::groups::AddressingMode;
    const bool by_number = to.is_group() && groups_.standing(to).mode == AddressingMode::phone_number;
    participant = by_number ? directory_.person(row.author).pn.value_or(row.author) : row.author;
  }
  const bool of_groups = protocol::has_participants(row.chat) && !to.is_status();
  const bool quietly = c_.device.reads_shown == storage::ReadsShown::no && !of_groups;
  Node receipt = protocol::read_receipt(to, participant, row.ids, static_cast<std::uint64_t>(row.read_at / 1000),
                                        quietly ? "read-self" : "read");
  if (to.is_status() && participant && participant->is_lid()) {
    if (const auto number = directory_.person(*participant).pn) receipt.set("peer_participant_pn", *number);
  }
  c_.send(receipt);
}

void ReadReceipts::on_ready() {
  ready_ = true;
  std::vector<std::int64_t> given_up;
  for (auto& [row, pending] : pending_) {
    if (pending.sent) continue;
    if (pending.row.attempts >= max_attempts) {
      given_up.push_back(row);
      continue;
    }
    ++pending.row.attempts;
    c_.records.add(storage::CountReadReceiptAttempt{c_.id(), row});
    transmit(pending);
  }
  for (const std::int64_t row : given_up) drop(row);
}

void ReadReceipts::on_link_down() {
  ready_ = false;
  for (auto& [row, pending] : pending_) pending.sent = false;
}

bool ReadReceipts::on_ack(const protocol::Ack& ack) {
  // The delivery receipt of the same message carries the same id: only its type tells the two acks apart.
  if (ack.stanza != "receipt" || (ack.type != "read" && ack.type != "read-self")) return false;
  const auto acked = std::find_if(pending_.begin(), pending_.end(), [&](const auto& item) {
    return item.second.sent && item.second.row.ids.front() == ack.id;
  });
  if (acked == pending_.end()) return false;
  drop(acked->first);  // an error too: the server does not want it
  return true;
}

void ReadReceipts::drop(std::int64_t row) {
  pending_.erase(row);
  c_.records.add(storage::RemoveReadReceipt{c_.id(), row});
}

}  // namespace wharf::sessions
