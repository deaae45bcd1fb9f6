// Control API: status posts of a phone, those that it was shown, and whom its account has chosen to see them.

#include <algorithm>
#include <boost/json.hpp>
#include <string>
#include <utility>

#include "protocol/messages/building.h"
#include "sandbox/control_call.h"
#include "sandbox/control_schemas.h"
#include "sandbox/phone/chats.h"
#include "sandbox/shown_account.h"
#include "web/colour.h"

namespace wharf::sandbox {

namespace json = boost::json;
using protocol::StatusAudience;

namespace schemas {
namespace {

using web::Field;
using web::Type;

// A row is a field.
// clang-format off
constexpr Field post_status_fields[] = {
    {.name = "text", .min = 1, .max = 4'096},
    {.name = "backgroundColor", .format = &web::colour}, {.name = "textColor", .format = &web::colour},
    {.name = "font", .type = Type::integer, .one_of = "0|1|2|6|7|8|9|10"},
    {.name = "media", .type = Type::object, .object = &sent_media},
    {.name = "audience", .type = Type::texts, .required = true, .max = 1'000, .format = &phone_number},
};
constexpr Field view_status_fields[] = {{.name = "author", .required = true, .min = 1, .max = 64, .format = &phone_number}};
constexpr Field status_audience_fields[] = {
    {.name = "kind", .required = true, .one_of = "contacts|except|only"},
    {.name = "phones", .type = Type::texts, .max = 1'000, .format = &phone_number},
};
// clang-format on

}  // namespace

const web::Schema post_status{{}, post_status_fields};
const web::Schema view_status{{}, view_status_fields};
const web::Schema status_audience{{}, status_audience_fields};

}  // namespace schemas

namespace {

constexpr std::uint32_t usual_background = 0xFF1F7AEC, usual_text = 0xFFFFFFFF;

/// The post that the path names; nullptr: it was answered with 404.
const PhoneMessage* status_named(ControlCall& call, const Phone& phone, const std::string& author) {
  const auto& all = phone.messages();
  const auto found = std::find_if(all.rbegin(), all.rend(), [&](const PhoneMessage& message) {
    return message.chat == PhoneChats::statuses && message.id == call.param("id") && message.author == author &&
           message.target.empty();
  });
  if (found != all.rend()) return &*found;
  call.fail(404, "NOT_FOUND", "this phone has no such status post");
  return nullptr;
}

/// The digits of numbers that were validated.
std::string digits(std::string_view text) { return normalise_phone(text).value(); }

}  // namespace

void post_phone_status(ControlCall& call) {
  Phone* phone = call.phone();
  if (phone == nullptr) return;
  Phone::Send message;
  message.to = PhoneChats::statuses;
  for (const std::string& who : web::texts_of(call.body, "audience")) message.audience.push_back(digits(who));
  const std::string text(web::text_of(call.body, "text"));
  const json::value* media = call.body.if_contains("media");
  const bool file = media != nullptr && media->is_object();
  if (file == !text.empty()) return call.invalid({{"text", "is required, or media; not both"}});
  if (file) {
    std::string problem;
    message.content = read_media(media->get_object(), problem);
    if (!problem.empty()) return call.invalid({{"media.data", problem}});
  } else {
    protocol::StatusText post;
    post.text = text;
    post.style.text_argb = web::argb_of(web::text_of(call.body, "textColor"), usual_text);
    post.style.background_argb = web::argb_of(web::text_of(call.body, "backgroundColor"), usual_background);
    post.style.font = static_cast<std::uint32_t>(web::integer_of(call.body, "font").value_or(0));
    message.content = std::move(post);
  }
  const auto id = phone->send(std::move(message));
  if (!id) return call.fail(id.error());
  call.succeed(json::object{{"id", *id}}, 202);
}

void list_phone_statuses(ControlCall& call) {
  const Phone* phone = call.phone();
  if (phone == nullptr) return;
  json::array all;
  for (const PhoneMessage& message : phone->messages())
    if (message.chat == PhoneChats::statuses && message.target.empty()) all.push_back(message_json(*phone, message));
  call.succeed(std::move(all));
}

void delete_phone_status(ControlCall& call) {
  Phone* phone = call.phone();
  if (phone == nullptr) return;
  if (status_named(call, *phone, phone->account()) == nullptr) return;
  Phone::Send revoke;
  revoke.to = PhoneChats::statuses;
  revoke.content = PhoneRevoke{call.param("id")};
  const auto id = phone->send(std::move(revoke));
  if (!id) return call.fail(id.error());
  call.succeed(json::object{{"id", *id}}, 202);
}

void view_phone_status(ControlCall& call) {
  Phone* phone = call.phone();
  if (phone == nullptr) return;
  if (status_named(call, *phone, call.account("author")) == nullptr) return;
  const auto read = phone->read(PhoneChats::statuses, call.param("id"));
  if (!read) return call.fail(read.error());
  call.succeed(json::object{{"viewed", *read}});
}

void set_phone_status_audience(ControlCall& call) {
  const Phone* phone = call.phone();
  if (phone == nullptr) return;
  const std::string_view kind = web::text_of(call.body, "kind");
  StatusAudience audience;
  audience.kind = kind == "except" ? StatusAudience::Kind::except
                  : kind == "only" ? StatusAudience::Kind::only
                                   : StatusAudience::Kind::contacts;
  const auto phones = web::texts_of(call.body, "phones");
  if (audience.kind == StatusAudience::Kind::contacts && !phones.empty())
    return call.invalid({{"phones", "must not stand beside contacts"}});
  json::array chosen;
  for (const std::string& who : phones) {
    const std::string number = digits(who);
    const Account* account = call.network.find_number(number);
    if (account == nullptr) return call.fail(404, "NOT_FOUND", "phones: nobody has the number " + number);
    audience.users.push_back(account->jid());
    chosen.emplace_back(number);
  }
  const auto done = call.network.set_status_audience(phone->account(), std::move(audience));
  if (!done) return call.fail(done.error());
  call.succeed(json::object{{"kind", kind}, {"phones", std::move(chosen)}});
}

}  // namespace wharf::sandbox
