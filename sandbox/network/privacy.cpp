#include "sandbox/network/privacy.h"

#include <algorithm>
#include <array>

#include "sandbox/network/answers.h"

namespace wharf::sandbox {

namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 10> defaults = {{
    {"readreceipts", "all"},
    {"last", "all"},
    {"online", "all"},
    {"profile", "all"},
    {"status", "contacts"},
    {"groupadd", "all"},
    {"calladd", "all"},
    {"messages", "all"},
    {"defense", "off"},
    {"stickers", "contacts"},
}};
constexpr std::size_t max_value = 64;
constexpr std::size_t max_tokens = 100;

bool is_category(std::string_view name) {
  return std::any_of(defaults.begin(), defaults.end(), [name](const auto& entry) { return entry.first == name; });
}

}  // namespace

const Privacy::Settings& Privacy::of(std::string_view phone) const {
  static const Settings none;
  const auto found = settings_.find(phone);
  return found == settings_.end() ? none : found->second;
}

std::string_view Privacy::value_of(const Party& party, std::string_view category) const {
  const auto& own = of(party.account.phone);
  if (const auto set = own.find(category); set != own.end()) return set->second;
  for (const auto& [name, value] : defaults) {
    if (name == category) return value;
  }
  return {};
}

void Privacy::on_iq(Origin& origin, const Node& iq) {
  if (iq.attr("type") == "get") return c_.send(origin.key, result_of(iq).add(all(origin.party)));
  if (const auto* wanted = iq.child("privacy")) return set(origin, iq, *wanted);
  if (const auto* wanted = iq.child("tokens")) return issue_tokens(origin, iq, *wanted);
  c_.send(origin.key, error_of(iq, 400, "bad-request"));
}

Node Privacy::all(const Party& party) const {
  Node all("privacy");
  for (const auto& [name, value] : defaults)
    all.add(Node("category").set("name", name).set("value", value_of(party, name)));
  return all;
}

void Privacy::set(Origin& origin, const Node& iq, const Node& wanted) {
  auto& settings = settings_[origin.key.phone];
  Node echo("privacy");
  for (const auto* category : wanted.children("category")) {
    const auto name = category->attr("name");
    const auto value = category->attr("value");
    if (!is_category(name) || value.empty() || value.size() > max_value)
      return c_.send(origin.key, error_of(iq, 400, "bad-request"));
    settings[name] = value;
    if (name == "readreceipts") origin.party.account.read_receipts = value == "all";
    echo.add(Node("category").set("name", name).set("value", value));
  }
  accounts_.changed(origin.party);
  sync_.tell_own_devices(origin, echo);
  c_.send(origin.key, result_of(iq).add(std::move(echo)));
}

void Privacy::issue_tokens(const Origin& origin, const Node& iq, const Node& wanted) {
  const auto rows = wanted.children("token");
  if (rows.size() > max_tokens) return c_.send(origin.key, error_of(iq, 400, "bad-request"));
  c_.send(origin.key, result_of(iq));
  for (const auto* row : rows) {
    const auto jid = row->jid("jid");
    const auto target = jid ? accounts_.resolve(*jid) : std::nullopt;
    if (!target || target->party == &origin.party) continue;
    hand_over(origin.party, *target->party, row->number("t").value_or(c_.unix_seconds()));
  }
}

void Privacy::hand_over(const Party& issuer, const Party& holder, std::uint64_t t) {
  Node token("token");
  token.set("type", "trusted_contact").set("t", t).bytes(tokens_.make(issuer, holder, t));
  Node tokens("tokens");
  tokens.add(std::move(token));
  for (const auto& [device, known] : holder.account.devices) {
    Node notification("notification");
    notification.set("from", issuer.account.pn_jid());
    if (issuer.account.has_lid()) notification.set("sender_lid", issuer.account.lid_jid());
    notification.set("type", "privacy_token").set("id", c_.next_id()).set("t", c_.unix_seconds());
    delivery_.enqueue({holder.account.phone, device}, notification.add(tokens));
  }
}

}  // namespace wharf::sandbox
