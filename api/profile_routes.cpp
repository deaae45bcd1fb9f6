// Handlers of what others see of the account: name, about text, privacy, the timer of its new chats. Its pictures are
// in picture_routes.cpp.
#include <algorithm>
#include <utility>

#include "api/chat_id.h"
#include "api/contact_json.h"
#include "api/handlers.h"
#include "api/name_fields.h"
#include "api/privacy_words.h"
#include "api/sending.h"
#include "protocol/account/profile.h"
#include "sessions/commands.h"

namespace wharf::api {

namespace {

using Settings = std::vector<protocol::PrivacySetting>;

}  // namespace

void get_privacy(const ServicesPtr& services, const CallPtr& call) {
  if (!session_of(services, call)) return;
  ask_session(services, call, sessions::ReadPrivacy{},
              [call](const Settings& settings) { call->success(privacy_json(settings)); });
}

void update_privacy(const ServicesPtr& services, const CallPtr& call) {
  if (!session_of(services, call)) return;
  auto settings = privacy_of(call->body);
  if (settings.empty()) return refuse_field(call, "", "must set something");
  ask_session(services, call, sessions::ChangePrivacy{std::move(settings)},
              [call](const Settings& all) { call->success(privacy_json(all)); });
}

namespace {

void answer_people(const CallPtr& call, const std::vector<sessions::Person>& people) {
  call->success(blocked_contacts_json(people, call->dialect));
}

}  // namespace

void list_excluded(const ServicesPtr& services, const CallPtr& call) {
  if (!session_of(services, call)) return;
  sessions::ReadExcluded read;
  read.category = privacy_category_of(call->query.text("setting")).value_or(read.category);  // validated
  ask_session(services, call, read,
              [call](const std::vector<sessions::Person>& people) { answer_people(call, people); });
}

void change_excluded(const ServicesPtr& services, const CallPtr& call) {
  const auto view = session_of(services, call);
  if (!view) return;
  const auto& supervisor = services->ports.supervisor;
  sessions::ChangeExcluded change;
  change.category = privacy_category_of(text_of(call->body, "setting")).value_or(change.category);  // validated
  for (const auto& [field, list] : {std::pair{"add", &change.add}, std::pair{"remove", &change.remove}}) {
    for (const std::string& text : texts_of(call->body, field))
      list->push_back(supervisor.canonical_chat(view->id, *parse_chat_id(text)));
  }
  if (change.add.empty() && change.remove.empty())
    return refuse_field(call, "add", "must name somebody, or remove must");
  for (const protocol::Jid& who : change.remove) {
    if (std::find(change.add.begin(), change.add.end(), who) != change.add.end())
      return refuse_field(call, "remove", "names somebody who is to be added too");
  }
  ask_session(services, call, std::move(change),
              [call](const std::vector<sessions::Person>& people) { answer_people(call, people); });
}

void set_about(const ServicesPtr& services, const CallPtr& call) {
  if (!session_of(services, call)) return;
  std::string text(text_of(call->body, "about"));
  if (!protocol::acceptable_about(text))
    return refuse_field(call, "about", "must be a text of at most 139 characters, without NUL");
  ask_session(services, call, sessions::SetAbout{text}, [call, text] {
    JsonWriter out(256);
    call->success(out.begin_object().text("about", text).end_object().take());
  });
}

void set_own_name(const ServicesPtr& services, const CallPtr& call) {
  if (!session_of(services, call)) return;
  const std::string name(text_of(call->body, "name"));
  if (!acceptable_name(call, "name", name)) return;
  ask_session(services, call, sessions::SetOwnName{name}, [call, name] {
    JsonWriter out(256);
    call->success(out.begin_object().text("name", name).end_object().take());
  });
}

void set_default_timer(const ServicesPtr& services, const CallPtr& call) {
  if (!session_of(services, call)) return;
  const auto seconds = static_cast<std::uint32_t>(integer_of(call->body, "seconds").value_or(0));  // validated
  ask_session(services, call, sessions::SetDefaultTimer{seconds}, [call, seconds] {
    JsonWriter out(32);
    call->success(out.begin_object().number("seconds", seconds).end_object().take());
  });
}

}  // namespace wharf::api
