#include "protocol/account/status_audience.h"

#include "protocol/stanzas/iq_reading.h"
#include "protocol/stanzas/node_fields.h"

namespace wharf::protocol {

namespace {

constexpr std::string_view xmlns = "status";
constexpr std::size_t max_users = 20'000;

std::optional<StatusAudience::Kind> kind_of(const Node& list) {
  const std::string type = list.attr("type");
  if (type == "contacts") return StatusAudience::Kind::contacts;
  if (type == "blacklist") return StatusAudience::Kind::except;
  if (type == "whitelist") return StatusAudience::Kind::only;
  return std::nullopt;
}

/// The list in force, nullptr when there is none.
const Node* chosen(const Node& privacy) {
  const Node* first = nullptr;
  for (const Node& list : privacy.children()) {
    if (!list.is("list")) continue;
    if (list.attr("default") == "true") return &list;
    if (first == nullptr) first = &list;
  }
  return first;
}

}  // namespace

Node status_audience_iq(std::string_view id) { return iq_get(id, xmlns).add(Node("privacy")); }

Result<StatusAudience> read_status_audience(const Node& answer) {
  StatusAudience audience;
  const auto refusal = iq_refusal(answer, "status audience");
  if (refusal && refusal->code == Errc::not_found) return audience;
  if (auto done = result_only(answer, "status audience"); !done) return done.error();
  const Node* privacy = answer.child("privacy");
  if (privacy != nullptr && !within_rows(*privacy)) return Error(Errc::malformed, "status audience: too many lists");
  const Node* list = privacy != nullptr ? chosen(*privacy) : nullptr;
  if (list == nullptr) return audience;
  if (list->children().size() > max_users) return Error(Errc::malformed, "status audience: too many users");
  // What is not understood must not be taken for a wider audience than was chosen.
  const auto kind = kind_of(*list);
  if (!kind) return Error(Errc::unsupported, "status audience: a list of another type");
  audience.kind = *kind;
  if (audience.kind == StatusAudience::Kind::contacts) return audience;
  for (const Node* row : list->children("user")) {
    auto jid = user_attr(*row, "jid");
    if (!jid) return Error(Errc::malformed, "status audience: a user without JID");
    audience.users.push_back(std::move(*jid));
  }
  return audience;
}

bool is_status_audience_query(const Node& iq) { return is_request(iq, "get", xmlns) && iq.child("privacy") != nullptr; }

Node status_audience_answer(const Node& request, const StatusAudience& audience) {
  Node list("list");
  list.set("type", audience.kind == StatusAudience::Kind::contacts ? "contacts"
                   : audience.kind == StatusAudience::Kind::except ? "blacklist"
                                                                   : "whitelist");
  list.set("default", "true");
  for (const Jid& user : audience.users) list.add(Node("user").set("jid", user));
  return iq_result(request).add(Node("privacy").add(std::move(list)));
}

}  // namespace wharf::protocol
