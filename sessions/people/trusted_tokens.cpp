#include "sessions/people/trusted_tokens.h"

#include <algorithm>
#include <utility>

#include "protocol/account/trusted_tokens.h"

namespace wharf::sessions {

const storage::TrustedTokenRow& TrustedTokens::find(const Jid& user) {
  const auto hot = hot_.find(user);
  if (hot != hot_.end()) return hot->second;
  storage::TrustedTokenRow row;
  row.user = user;
  return hot_.emplace(user, c_.records.find_trusted_token(user).value_or(std::move(row))).first->second;
}

void TrustedTokens::put(storage::TrustedTokenRow row) {
  hot_[row.user] = row;
  c_.records.add(storage::PutTrustedToken{c_.id(), std::move(row)});
}

Bytes TrustedTokens::token_of(const Jid& user) {
  if (!user.has_devices() || directory_.is_own(user)) return {};
  const storage::TrustedTokenRow& row = find(directory_.canonical_user(user));
  return protocol::token_valid(row.token_at, c_.server_seconds()) ? row.token : Bytes();
}

void TrustedTokens::hear(const protocol::TrustedTokenReceived& given) {
  const Jid user = directory_.canonical_user(given.lid.value_or(given.from));
  if (directory_.is_own(user)) return;
  storage::TrustedTokenRow row = find(user);
  if (!row.token.empty() && (given.at < row.token_at || (given.at == row.token_at && given.token == row.token))) return;
  row.token = given.token;
  row.token_at = given.at;
  put(std::move(row));
}

bool TrustedTokens::owes(const Jid& chat) {
  if (!chat.has_devices() || chat.user == "0" || directory_.is_own(chat)) return false;
  return protocol::token_due(find(directory_.canonical_user(chat)).issued_at, c_.server_seconds());
}

void TrustedTokens::on_identity_changed(const Jid& user) {
  const storage::TrustedTokenRow& row = find(user);
  if (row.issued_at != 0 && protocol::token_valid(row.issued_at, c_.server_seconds())) issue(row.user);
}

// The time is stored with the answer: given once more after a crash, it is another token of the same week.
void TrustedTokens::issue(const Jid& user) {
  constexpr std::size_t most_at_once = 16;
  if (!c_.link.online() || asking_.size() >= most_at_once || !asking_.insert(user).second) return;
  const std::uint64_t at = c_.server_seconds();
  c_.query(protocol::issue_token_iq(c_.ids.next(), {user, at}), [this, user, at](const Node* answer) {
    asking_.erase(user);
    if (answer == nullptr) return;
    // A refusal too: not again with each message.
    storage::TrustedTokenRow row = find(directory_.canonical_user(user));
    row.issued_at = at;
    put(std::move(row));
  });
}

void TrustedTokens::join(const Jid& from, const Jid& to) {
  hot_.erase(from);
  hot_.erase(to);
  auto before = c_.records.find_trusted_token(from);
  if (!before) return;
  c_.records.add(storage::RemoveTrustedToken{c_.id(), from});
  const auto known = c_.records.find_trusted_token(to);
  before->user = to;
  if (known && known->token_at > before->token_at) {
    before->token = known->token;
    before->token_at = known->token_at;
  }
  if (known) before->issued_at = std::max(before->issued_at, known->issued_at);
  put(std::move(*before));
}

void TrustedTokens::end_turn(bool keep) {
  if (!keep || hot_.size() > kept) hot_.clear();
  if (!keep) asking_.clear();
}

}  // namespace wharf::sessions
