// Control API: what a phone shows of itself, whom it blocks and watches, and what it was told of others.

#include <boost/json.hpp>
#include <memory>
#include <utility>

#include "protocol/account/pictures.h"
#include "protocol/account/privacy.h"
#include "protocol/account/profile.h"
#include "protocol/account/trusted_tokens.h"
#include "protocol/stanzas/iq.h"
#include "sandbox/control_call.h"
#include "sandbox/phone/seen.h"
#include "sandbox/shown_account.h"

namespace wharf::sandbox {

namespace json = boost::json;
using protocol::Result;

namespace {

using MakeIq = std::function<Node(std::string_view id)>;
using Then = std::function<void(ControlCall& call, const Node& answer)>;

/// The phone asks as its user does; what the network refuses, or never answers, is answered here.
void ask(ControlCall& call, Phone& phone, const MakeIq& make, Then then) {
  auto waiting = std::make_shared<ControlCall>(call);  // lives until the network has answered
  phone.ask(make, [waiting, then = std::move(then)](const Result<Node>& answer) {
    if (!answer) return waiting->fail(answer.error());
    const auto refused = protocol::iq_error_of(*answer);
    if (!refused) return then(*waiting, *answer);
    waiting->fail(422, "REFUSED",
                  "the network refused it: " + refused->text + " (" + std::to_string(refused->code) + ")");
  });
}

/// For what the network does not answer: `result` when it has heard it.
Phone::Answer answered_with(ControlCall& call, json::object result) {
  auto waiting = std::make_shared<ControlCall>(call);
  return [waiting, result = std::move(result)](const Result<Node>& heard) {
    if (!heard) return waiting->fail(heard.error());
    waiting->succeed(result);
  };
}

/// The account of a member of the body, or 404 and nullptr.
const Account* account_named(ControlCall& call, std::string_view member) {
  const std::string number = call.phone_number(member);
  const Account* account = call.network.find_number(number);
  if (account == nullptr) call.fail(404, "NOT_FOUND", std::string(member) + ": nobody has this number");
  return account;
}

json::value text_or_null(const std::string& text) { return text.empty() ? json::value(nullptr) : json::value(text); }

json::object privacy_json(const ShownAccount& shown) {
  json::object privacy;
  for (const auto& [category, value] : shown.privacy) privacy[category] = value;
  return privacy;
}

json::array blocked_json(const ShownAccount& shown) {
  json::array blocked;
  for (const auto& phone : shown.blocked) blocked.emplace_back(phone);
  return blocked;
}

/// What it was told of others, one overload for each kind.
struct SeenJson {
  const Phone& phone;
  json::object& out;
  void operator()(const SeenPresence& seen) const {
    using Kind = protocol::LastSeen::Kind;
    out["kind"] = "presence";
    out["available"] = seen.available;
    out["lastSeen"] = seen.last.kind == Kind::at ? json::value(seen.last.unix_seconds) : json::value(nullptr);
    out["lastSeenHidden"] = seen.last.kind == Kind::hidden;
  }
  void operator()(const SeenChatState& seen) const {
    out["kind"] = "chatState";
    out["chat"] = phone.number_named(seen.chat);
    out["state"] = name(seen.state);
  }
  void operator()(const SeenPicture& seen) const {
    out["kind"] = "picture";
    out["chat"] = phone.number_named(seen.chat);
    out["pictureId"] = text_or_null(seen.id);
  }
  void operator()(const SeenAbout& seen) const {
    out["kind"] = "about";
    out["about"] = seen.text;
  }
  void operator()(const SeenDefaultTimer& seen) const {
    out["kind"] = "defaultTimer";
    out["seconds"] = seen.seconds;
  }
  void operator()(const SeenBusiness& seen) const {
    out["kind"] = "business";
    out["what"] = seen.what;
  }
  void operator()(const SeenNumber& seen) const {
    out["kind"] = "number";
    out["oldNumber"] = seen.before;
  }
  void operator()(const SeenLid& seen) const {
    out["kind"] = "lid";
    out["oldLid"] = seen.before.to_string();
  }
};

}  // namespace

void add_people_json(const ControlCall& call, const Phone& phone, json::object& out) {
  const auto shown = call.network.shown(phone.account());
  out["available"] = phone.available();
  out["about"] = shown.about;
  out["pictureId"] = text_or_null(shown.picture_id);
  out["privacy"] = privacy_json(shown);
  out["blocked"] = blocked_json(shown);
  out["defaultTimer"] = shown.default_timer_s;
  json::object contacts;
  for (const auto& [account, name] : phone.contacts()) contacts[phone.number_named(account)] = name;
  out["contacts"] = std::move(contacts);
  out["business"] = nullptr;
  if (shown.business != nullptr)
    out["business"] = json::object{{"name", shown.business->name.name}, {"products", shown.business->products.size()}};
}

// --- what it shows

void set_phone_picture(ControlCall& call) {
  Phone* phone = call.phone();
  if (phone == nullptr) return;
  const auto picture = call.picture();
  if (!picture) return;
  if (picture->empty()) {
    return ask(
        call, *phone, [](std::string_view id) { return protocol::remove_picture_iq(id, std::nullopt); },
        [](ControlCall& waiting, const Node&) {
          waiting.succeed(json::object{{"id", nullptr}});
        });
  }
  ask(
      call, *phone, [&](std::string_view id) { return protocol::set_picture_iq(id, std::nullopt, *picture); },
      [](ControlCall& waiting, const Node& answer) {
        const auto id = protocol::read_picture_set(answer);
        if (!id) return waiting.fail(id.error());
        waiting.succeed(json::object{{"id", *id}});
      });
}

void set_phone_about(ControlCall& call) {
  Phone* phone = call.phone();
  if (phone == nullptr) return;
  const std::string text(web::text_of(call.body, "text"));
  ask(
      call, *phone, [&](std::string_view id) { return protocol::set_about_iq(id, text); },
      [text](ControlCall& waiting, const Node&) {
        waiting.succeed(json::object{{"text", text}});
      });
}

void set_phone_default_timer(ControlCall& call) {
  Phone* phone = call.phone();
  if (phone == nullptr) return;
  const auto seconds = static_cast<std::uint32_t>(web::integer_of(call.body, "seconds").value_or(0));
  if (!protocol::acceptable_default_timer(seconds))
    return call.invalid({{"seconds", "must be 0, 86400, 604800 or 7776000"}});
  ask(
      call, *phone, [&](std::string_view id) { return protocol::set_default_timer_iq(id, seconds); },
      [seconds](ControlCall& waiting, const Node&) {
        waiting.succeed(json::object{{"seconds", seconds}});
      });
}

void set_phone_name(ControlCall& call) {
  Phone* phone = call.phone();
  if (phone == nullptr) return;
  const std::string name(web::text_of(call.body, "name"));
  phone->rename(name, answered_with(call, {{"name", name}}));
}

void save_phone_contact(ControlCall& call) {
  Phone* phone = call.phone();
  if (phone == nullptr) return;
  const Account* account = account_named(call, "phone");
  if (account == nullptr) return;
  const std::string name(web::text_of(call.body, "name"));
  auto waiting = std::make_shared<ControlCall>(call);
  phone->save_contact(*account, name, [waiting, number = account->number, name](const Result<void>& saved) {
    if (!saved) return waiting->fail(saved.error());
    waiting->succeed(json::object{{"phone", number}, {"name", text_or_null(name)}});
  });
}

void set_phone_presence(ControlCall& call) {
  Phone* phone = call.phone();
  if (phone == nullptr) return;
  const bool available = web::boolean_of(call.body, "available", true);
  phone->show_available(available, answered_with(call, {{"available", available}}));
}

// --- who may see it

void set_phone_privacy(ControlCall& call) {
  Phone* phone = call.phone();
  if (phone == nullptr) return;
  std::vector<protocol::PrivacySetting> wanted;
  for (const auto& member : call.body) {
    const auto category = protocol::privacy_category(member.key());
    const auto value = protocol::privacy_value(web::text_of(call.body, member.key()));
    if (category && value) wanted.push_back({*category, *value});
  }
  if (wanted.empty()) return call.invalid({{"body", "must name a setting"}});
  auto open = std::make_shared<std::size_t>(wanted.size());
  for (const auto& setting : wanted) {
    // The last answer is the answer; none is refused, as all were looked at before.
    ask(
        call, *phone, [&](std::string_view id) { return protocol::set_privacy_iq(id, setting); },
        [open, own = phone->account()](ControlCall& waiting, const Node&) {
          if (--*open == 0) waiting.succeed(privacy_json(waiting.network.shown(own)));
        });
  }
}

void set_phone_block(ControlCall& call) {
  Phone* phone = call.phone();
  if (phone == nullptr) return;
  const Account* account = account_named(call, "phone");
  if (account == nullptr) return;
  protocol::BlockChange change;
  change.block = web::boolean_of(call.body, "on", true);
  change.jid = account->jid();
  if (account->has_lid()) change.pn = account->pn_jid();
  ask(
      call, *phone, [&](std::string_view id) { return protocol::block_iq(id, change); },
      [own = phone->account()](ControlCall& waiting, const Node&) {
        waiting.succeed(json::object{{"blocked", blocked_json(waiting.network.shown(own))}});
      });
}

void give_trust(ControlCall& call) {
  Phone* phone = call.phone();
  if (phone == nullptr) return;
  const Account* account = account_named(call, "to");
  if (account == nullptr) return;
  const protocol::TokenIssue issue{account->jid(), static_cast<std::uint64_t>(call.network.clock().unix_ms() / 1000)};
  ask(
      call, *phone, [&](std::string_view id) { return protocol::issue_token_iq(id, issue); },
      [to = account->number](ControlCall& waiting, const Node&) {
        waiting.succeed(json::object{{"to", to}});
      });
}

// --- others

void set_phone_watch(ControlCall& call) {
  Phone* phone = call.phone();
  if (phone == nullptr) return;
  const Account* account = account_named(call, "to");
  if (account == nullptr) return;
  const bool on = web::boolean_of(call.body, "on", true);
  phone->watch(*account, on, answered_with(call, {{"to", account->number}, {"on", on}}));
}

void list_phone_seen(ControlCall& call) {
  const Phone* phone = call.phone();
  if (phone == nullptr) return;
  json::array all;
  for (const auto& seen : phone->seen()) {
    json::object row{{"at", seen.at}, {"from", phone->number_named(seen.from)}};
    std::visit(SeenJson{*phone, row}, seen.what);
    all.push_back(std::move(row));
  }
  call.succeed(std::move(all));
}

}  // namespace wharf::sandbox
