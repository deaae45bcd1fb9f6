#include "sandbox/expectation.h"

#include <algorithm>

#include "sandbox/phone/chats.h"
#include "sandbox/phones.h"
#include "sandbox/scenario.h"
#include "web/envelope.h"
#include "web/validation.h"

namespace wharf::sandbox {

namespace json = boost::json;

namespace {

constexpr std::size_t most_instead = 5;

std::optional<std::string> text_member(const json::object& wanted, std::string_view name) {
  const json::value* value = wanted.if_contains(name);
  if (value == nullptr || !value->is_string()) return std::nullopt;
  return std::string(value->get_string());
}

/// An account as messages name it.
std::optional<std::string> number_member(const json::object& wanted, std::string_view name) {
  auto text = text_member(wanted, name);
  if (!text || PhoneChats::is_shared(*text)) return text;
  const auto digits = normalise_phone(std::string_view(*text).substr(0, text->find('@')));
  return digits ? *digits : *text;
}

/// How far a message came: a later stage has the earlier ones in it.
int stage(std::string_view status) {
  constexpr std::string_view stages[] = {"pending", "server", "delivered", "read"};
  const auto* found = std::find(std::begin(stages), std::end(stages), status.empty() ? "server" : status);
  return found == std::end(stages) ? -1 : static_cast<int>(found - std::begin(stages));
}

bool has_come_to(std::string_view status, std::string_view wanted) {
  if (wanted == "error") return status == "error";
  return stage(status) >= stage(wanted);
}

bool is(const std::optional<std::string>& wanted, std::string_view value) { return !wanted || *wanted == value; }

/// Where the messages begin that came since.
std::size_t first_since(const std::vector<PhoneMessage>& all, const SeenMessages& seen) {
  if (!seen.last_before) return 0;
  const auto found = std::find_if(all.rbegin(), all.rend(), [&](const PhoneMessage& message) {
    return message.author == seen.last_before->first && message.id == seen.last_before->second;
  });
  return static_cast<std::size_t>(all.rend() - found);  // 0: forgotten, and all that is there came since
}

}  // namespace

Expectation::Expectation(const json::object& wanted)
    : text_(text_member(wanted, "text")),
      contains_(text_member(wanted, "contains")),
      kind_(text_member(wanted, "kind")),
      from_(number_member(wanted, "from")),
      chat_(number_member(wanted, "chat")),
      target_(text_member(wanted, "target")),
      quoted_(text_member(wanted, "quoted")),
      id_(text_member(wanted, "id")),
      status_(text_member(wanted, "status")),
      by_(number_member(wanted, "by")),
      within_ms_(web::integer_of(wanted, "within").value_or(Scenario::default_within_ms)),
      absent_(web::boolean_of(wanted, "absent", false)) {}

bool Expectation::concerns(const PhoneMessage& message) const {
  if (id_) return message.id == *id_;
  if (message.from_me || message.status == "failed") return false;
  // A status is no message of somebody: it is expected where it is asked for alone.
  return message.chat != PhoneChats::statuses || chat_ == PhoneChats::statuses;
}

bool Expectation::meets(const Phone& phone, const PhoneMessage& message) const {
  if (!concerns(message)) return false;
  const bool said = is(text_, message.text) && is(kind_, message.kind) &&
                    is(from_, phone.number_named(message.author)) && is(chat_, phone.number_named(message.chat)) &&
                    is(target_, message.target) && is(quoted_, message.quoted_id) &&
                    (!contains_ || message.text.find(*contains_) != std::string::npos);
  if (!said || !status_) return said;
  if (!by_) return has_come_to(message.status, *status_);
  for (const auto& [who, status] : message.recipients)
    if (phone.number_named(who) == *by_) return has_come_to(status, *status_);
  return message.recipients.empty() && phone.number_named(message.chat) == *by_ &&
         has_come_to(message.status, *status_);
}

const PhoneMessage* Expectation::find(const Phone& phone, const SeenMessages& seen) const {
  const auto& all = phone.messages();
  for (std::size_t i = id_ ? 0 : first_since(all, seen); i < all.size(); ++i) {
    if (!meets(phone, all[i])) continue;
    if (id_ || !seen.expected.contains({all[i].author, all[i].id})) return &all[i];
  }
  return nullptr;
}

json::array Expectation::instead(const Phone& phone, const SeenMessages& seen) const {
  const auto& all = phone.messages();
  json::array out;
  for (std::size_t i = all.size(), first = id_ ? 0 : first_since(all, seen); i > first; --i) {
    const PhoneMessage& message = all[i - 1];
    if (out.size() == most_instead || !concerns(message)) continue;
    out.insert(out.begin(), json::object{{"id", message.id},
                                         {"kind", message.kind},
                                         {"from", phone.number_named(message.author)},
                                         {"chat", phone.number_named(message.chat)},
                                         {"text", web::echo(message.text)},
                                         {"status", message.status}});
  }
  return out;
}

}  // namespace wharf::sandbox
