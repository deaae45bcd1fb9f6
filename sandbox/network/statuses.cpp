#include "sandbox/network/statuses.h"

#include <utility>

#include "protocol/binary/node.h"
#include "sandbox/network/answers.h"
#include "sandbox/row_values.h"

namespace wharf::sandbox {

namespace {

Group nobody_yet() {
  Group audience;
  audience.id = std::string("status");
  audience.status = true;
  return audience;
}

}  // namespace

Group audience_of(const Origin& origin) {
  Group audience = nobody_yet();
  audience.members.emplace(origin.key.phone, GroupMember());
  return audience;
}

Group audience_of(const Accounts& accounts, const Origin& origin, const Node& message) {
  constexpr std::size_t most_rows = 5'000;
  Group audience = audience_of(origin);
  const auto add = [&](const std::optional<Jid>& jid) {
    const auto address = jid ? accounts.resolve(*jid) : std::nullopt;
    if (address) audience.members.emplace(address->party->account.phone, GroupMember());
  };
  add(message.jid("participant"));
  const auto* participants = message.child("participants");
  if (participants == nullptr) return audience;
  std::size_t looked_at = 0;
  for (const auto* row : participants->children("to"))
    if (++looked_at <= most_rows) add(row->jid("jid"));
  return audience;
}

std::optional<MessageRefusal> refused_status(const Node& message) {
  if (message.has("addressing_mode") || message.has("phash"))
    return MessageRefusal{479, "addressing_mode or phash on a status"};
  const auto* meta = message.child("meta");
  const bool post = !message.has("edit") && message.attr("type") != "reaction";
  if (!post && meta != nullptr && meta->has("status_setting"))
    return MessageRefusal{479, "status_setting on what is no post"};
  return std::nullopt;
}

void Statuses::set(const std::string& phone, protocol::StatusAudience audience) {
  chosen_[phone] = std::move(audience);
  c_.changes.changed(RowKind::status_audience, phone);
}

const protocol::StatusAudience& Statuses::of(std::string_view phone) const {
  static const protocol::StatusAudience contacts;
  const auto known = chosen_.find(phone);
  return known == chosen_.end() ? contacts : known->second;
}

void Statuses::on_iq(const Origin& origin, const Node& iq) const {
  if (!protocol::is_status_audience_query(iq)) return c_.send(origin.key, error_of(iq, 400, "bad-request"));
  // In the form that the account itself has: by LID where it has one.
  protocol::StatusAudience told = of(origin.key.phone);
  for (Jid& user : told.users) {
    const auto known = accounts_.resolve(user);
    if (known && origin.party.account.has_lid()) user = known->party->account.jid();
  }
  c_.send(origin.key, protocol::status_audience_answer(iq, told));
}

// --- rows: as it would be answered

std::optional<Bytes> Statuses::row(std::string_view phone) const {
  const auto known = chosen_.find(phone);
  if (known == chosen_.end()) return std::nullopt;
  return protocol::encode_node(protocol::status_audience_answer(Node("iq"), known->second));
}

void Statuses::restore(const std::string& phone, ByteView row) {
  auto audience = protocol::read_status_audience(stanza_of(row));
  if (!audience) damaged("who sees the status posts of an account");
  chosen_[phone] = std::move(*audience);
}

}  // namespace wharf::sandbox
