// Control API: phones, their pairings and their keys.

#include <algorithm>
#include <boost/json.hpp>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "protocol/pairing/qr.h"
#include "sandbox/control_call.h"

namespace wharf::sandbox {

namespace json = boost::json;
using protocol::Errc;
using protocol::Error;
using protocol::Result;

namespace {

json::object to_json(const Account& account) {
  return {{"phone", account.number},
          {"jid", account.pn_jid().to_string()},
          {"lid", account.has_lid() ? json::value(account.lid_jid().to_string()) : json::value(nullptr)},
          {"name", account.name}};
}

json::object to_json(Network& network, const Phone& phone) {
  const Account& account = *network.find_account(std::string_view(phone.account()));
  json::object out = to_json(account);
  out["on"] = phone.powered();
  out["codePending"] = phone.code_pending();
  json::array companions;
  for (const std::uint16_t id : phone.companions()) {
    json::object companion{{"device", id}, {"jid", account.pn_jid(id).to_string()}};
    companion["online"] = network.is_online({account.phone, id});
    if (const auto device = account.devices.find(id); device != account.devices.end()) {
      companion["os"] = device->second.os;
      companion["platformType"] = device->second.platform_type;
      companion["keyIndex"] = device->second.key_index;
    }
    companions.push_back(std::move(companion));
  }
  out["companions"] = std::move(companions);
  return out;
}

/// Answers when the pairing ended, however long that takes (the network ends it after 30 to 60 s).
void answer_pairing(ControlCall& call, Phone& phone, std::string_view what, const std::string& input,
                    void (Phone::*pair)(std::string_view, std::function<void(Result<Jid>)>)) {
  auto waiting = std::make_shared<ControlCall>(call);  // lives until the pairing calls back
  const Account& account = *call.network.find_account(std::string_view(phone.account()));
  json::object result = to_json(account);
  const bool scanning = what == "qr";
  (phone.*pair)(input, [waiting, result, what = std::string(what), scanning](Result<Jid> device) {
    if (device) {
      json::object linked = result;
      linked["device"] = device->to_string();
      return waiting->succeed(std::move(linked));
    }
    const Error& error = device.error();
    if (error.code == Errc::malformed) {
      return waiting->invalid({{what, "is not valid: " + error.detail}});
    }
    if (scanning && error.code == Errc::not_found) return waiting->fail(410, "EXPIRED", error.detail);
    waiting->fail(error);
  });
}

/// A number nobody has: for a QR scanned without naming a phone.
std::string fresh_number(Network& network) {
  for (;;) {
    const std::string digits = "1555" + std::to_string(1'000'000 + network.random().below(9'000'000));
    if (network.find_number(digits) == nullptr) return digits;
  }
}

/// The server knows whom it brought messages; who has the account in the address book, the phones know.
std::set<std::string> saved_by(Phones& phones, const Phone& phone) {
  std::set<std::string> names;
  for (const Phone* other : phones.all()) {
    if (other->contacts().contains(phone.account())) names.insert(other->account());
  }
  return names;
}

/// The `peer` of a body, which must exist; answers itself otherwise.
std::optional<std::string> known_peer(ControlCall& call) {
  std::string peer = call.phone_number("peer");
  if (call.network.find_number(peer) == nullptr) {
    call.fail(404, "NOT_FOUND", "peer: nobody has this number");
    return std::nullopt;
  }
  return peer;
}

}  // namespace

void create_phone(ControlCall& call) {
  const std::string phone = call.phone_number("phone");
  const std::string name(web::text_of(call.body, "name"));
  const bool with_lid = web::boolean_of(call.body, "lid", true);
  const Result<Phone*> created = call.phones.create(phone, name.empty() ? "+" + phone : name, with_lid);
  if (!created) return call.fail(created.error());
  call.succeed(to_json(*call.network.find_number(phone)), 201);
}

void list_phones(ControlCall& call) {
  json::array phones;
  for (const Phone* phone : call.phones.all()) phones.push_back(to_json(call.network, *phone));
  call.succeed(std::move(phones));
}

void show_phone(ControlCall& call) {
  const Phone* phone = call.phone();
  if (phone == nullptr) return;
  json::object out = to_json(call.network, *phone);
  add_people_json(call, *phone, out);
  call.succeed(std::move(out));
}

void scan(ControlCall& call) {
  Phone* phone = call.phone();
  if (phone == nullptr) return;
  answer_pairing(call, *phone, "qr", std::string(web::text_of(call.body, "qr")), &Phone::scan);
}

void scan_qr_text(ControlCall& call) {
  std::string qr = call.text;
  while (!qr.empty() && (qr.back() == '\n' || qr.back() == '\r' || qr.back() == ' ')) qr.pop_back();
  // Looked at before a phone is made for it.
  const auto parsed = protocol::parse_qr_text(qr);
  if (!parsed) return call.fail(400, "VALIDATION_ERROR", "the body is not a pairing QR text: " + parsed.error().detail);
  if (call.network.find_pairing(parsed->ref) == nullptr) {
    return call.fail(410, "EXPIRED", "no connection shows this QR code any more: it is expired");
  }
  const std::string_view asked = call.query.text("phone");
  const std::string number = asked.empty() ? fresh_number(call.network) : normalise_phone(asked).value();
  Phone* phone = call.phones.find_number(number);
  if (phone == nullptr) {
    const Result<Phone*> created = call.phones.create(number, "+" + number);
    if (!created) return call.fail(created.error());
    phone = *created;
  }
  answer_pairing(call, *phone, "qr", qr, &Phone::scan);
}

void enter_code(ControlCall& call) {
  Phone* phone = call.phone();
  if (phone == nullptr) return;
  answer_pairing(call, *phone, "code", std::string(web::text_of(call.body, "code")), &Phone::enter_code);
}

void unlink_companions(ControlCall& call) {
  Phone* phone = call.phone();
  if (phone == nullptr) return;
  const std::vector<std::uint16_t> linked = phone->companions();
  std::vector<std::uint16_t> chosen;
  if (web::text_of(call.body, "device") == "all") {
    chosen = linked;
  } else {
    const std::int64_t id = web::integer_of(call.body, "device").value_or(0);
    if (id < 1 || id > 99) return call.invalid({{"device", "must be a device number from 1 to 99, or \"all\""}});
    const auto device = static_cast<std::uint16_t>(id);
    if (std::find(linked.begin(), linked.end(), device) == linked.end())
      return call.fail(404, "NOT_FOUND", "this phone has no companion " + std::to_string(device));
    chosen.push_back(device);
  }
  json::array unlinked;
  for (const std::uint16_t id : chosen) {
    if (call.network.unlink({phone->account(), id})) unlinked.emplace_back(id);
  }
  call.succeed(json::object{{"unlinked", std::move(unlinked)}});
}

void set_power(ControlCall& call) {
  Phone* phone = call.phone();
  if (phone == nullptr) return;
  const bool on = web::boolean_of(call.body, "on", false);
  phone->power(on);
  call.succeed(json::object{{"on", on}});
}

void forget_sessions(ControlCall& call) {
  Phone* phone = call.phone();
  if (phone == nullptr) return;
  const auto peer = known_peer(call);
  if (!peer) return;
  phone->forget_sessions(*peer);
  call.succeed(json::object{{"peer", *peer}});
}

void corrupt_sessions(ControlCall& call) {
  Phone* phone = call.phone();
  if (phone == nullptr) return;
  const auto peer = known_peer(call);
  if (!peer) return;
  phone->corrupt_sessions(*peer);
  call.succeed(json::object{{"peer", *peer}});
}

void forget_sender_keys(ControlCall& call) {
  Phone* phone = call.phone();
  if (phone == nullptr) return;
  phone->forget_sender_keys();
  call.succeed(nullptr);
}

void set_account(ControlCall& call) {
  const Phone* phone = call.phone();
  if (phone == nullptr) return;
  Account& account = *call.network.find_account(std::string_view(phone->account()));
  const bool restricted = web::boolean_of(call.body, "restricted", account.restricted);
  auto new_chats_left = account.new_chats_left;
  if (call.body.contains("newChatsLeft")) {  // null: as many as it likes
    new_chats_left.reset();
    if (const auto left = web::integer_of(call.body, "newChatsLeft")) new_chats_left = static_cast<unsigned>(*left);
  }
  account.restricted = restricted;
  account.new_chats_left = new_chats_left;
  call.network.changes().changed(RowKind::account, account.phone);
  call.succeed(json::object{{"restricted", restricted},
                            {"newChatsLeft", new_chats_left ? json::value(*new_chats_left) : json::value(nullptr)}});
}

void change_number(ControlCall& call) {
  const Phone* phone = call.phone();
  if (phone == nullptr) return;
  const std::string before = phone->number();
  const auto changed =
      call.network.change_number(phone->account(), call.phone_number("number"), saved_by(call.phones, *phone));
  if (!changed) return call.fail(changed.error());
  json::object out = to_json(call.network, *phone);
  out["oldNumber"] = before;
  call.succeed(std::move(out));
}

void change_lid(ControlCall& call) {
  const Phone* phone = call.phone();
  if (phone == nullptr) return;
  const Account& account = *call.network.find_account(std::string_view(phone->account()));
  json::value before;
  if (account.has_lid()) before = json::string(account.lid_jid().to_string());
  std::optional<std::string> lid;
  if (call.body.contains("lid")) {
    const std::string_view text = web::text_of(call.body, "lid");
    lid = text.substr(0, text.find('@'));
  }
  const auto changed = call.network.change_lid(phone->account(), lid, saved_by(call.phones, *phone));
  if (!changed) return call.fail(changed.error());
  json::object out = to_json(call.network, *phone);
  out["oldLid"] = std::move(before);
  call.succeed(std::move(out));
}

void reinstall(ControlCall& call) {
  Phone* phone = call.phone();
  if (phone == nullptr) return;
  phone->reinstall();
  call.succeed(to_json(call.network, *phone));
}

}  // namespace wharf::sandbox
