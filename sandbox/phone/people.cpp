#include "sandbox/phone/people.h"

#include <boost/json.hpp>
#include <utility>

#include "protocol/notifications/notification.h"
#include "sandbox/row_values.h"

namespace wharf::sandbox {

namespace json = boost::json;
using protocol::Errc;
using protocol::Error;

// --- asking and declaring

void PhonePeople::ask(const std::function<Node(std::string_view id)>& make, Answer answer) {
  if (!c_.powered()) return answer(Error(Errc::closed, "the phone is switched off"));
  c_.ask(make(c_.ids.next()), std::move(answer));
}

/// Presence has no answer: a ping behind it is answered when the server has got so far.
void PhonePeople::when_heard(Answer heard) {
  ask([](std::string_view id) { return protocol::ping_iq(id); }, std::move(heard));
}

void PhonePeople::declare() { c_.send(protocol::presence(available_ ? "available" : "unavailable", c_.account.name)); }

void PhonePeople::show_available(bool available, Answer heard) {
  if (!c_.powered()) return heard(Error(Errc::closed, "the phone is switched off"));
  const bool was_there = std::exchange(available_, available);
  c_.core_changed();
  declare();
  // Subscriptions are bound to being there (02 section 12).
  if (available && !was_there) {
    for (const auto& phone : watched_) subscribe(phone);
  }
  when_heard(std::move(heard));
}

void PhonePeople::rename(const std::string& name, Answer heard) {
  if (!c_.powered()) return heard(Error(Errc::closed, "the phone is switched off"));
  c_.send(protocol::presence(available_ ? "available" : "unavailable", name));
  when_heard(std::move(heard));
}

void PhonePeople::subscribe(const std::string& phone) {
  const auto* account = c_.find(phone);
  if (account != nullptr) c_.send(protocol::presence_subscription(c_.form_for(*account)));
}

void PhonePeople::watch(const Account& whom, bool on, Answer heard) {
  if (!c_.powered()) return heard(Error(Errc::closed, "the phone is switched off"));
  if (on) {
    if (!watched_.contains(whom.phone) && watched_.size() >= max_watched)
      return heard(Error(Errc::refused, "the phone watches " + std::to_string(max_watched) + " others already"));
    watched_.insert(whom.phone);
    subscribe(whom.phone);
  } else {
    watched_.erase(whom.phone);
    c_.send(protocol::presence_unsubscription(c_.form_for(whom)));
  }
  c_.core_changed();
  when_heard(std::move(heard));
}

void PhonePeople::resume() {
  declare();
  for (const auto& phone : watched_) subscribe(phone);
}

// --- what it is told

void PhonePeople::note(const Jid& from, What what) {
  seen_.push_back({c_.now(), chats_.name_of(from), std::move(what)});
  if (seen_.size() > max_seen) seen_.pop_front();
}

void PhonePeople::on_presence(const Node& presence) {
  const auto seen = protocol::read_presence(presence, c_.now());
  if (seen) note(seen->from, SeenPresence{seen->available, seen->last});
}

void PhonePeople::on_chat_state(const Node& stanza) {
  const auto seen = protocol::read_chat_state(stanza);
  if (!seen) return;
  note(seen->participant.value_or(seen->chat), SeenChatState{chats_.name_of(seen->chat), seen->state});
}

void PhonePeople::take(const protocol::NotificationEvent& event) {
  if (const auto* picture = std::get_if<protocol::PictureChanged>(&event)) {
    if (picture->own) return;
    const std::string id = picture->removed ? std::string() : picture->picture_id;
    note(picture->author.value_or(picture->jid), SeenPicture{chats_.name_of(picture->jid), id});
  } else if (const auto* about = std::get_if<protocol::AboutChanged>(&event)) {
    if (!about->own && about->about) note(about->jid, SeenAbout{*about->about});
  } else if (const auto* timer = std::get_if<protocol::DefaultTimerChanged>(&event)) {
    if (timer->contact) note(*timer->contact, SeenDefaultTimer{timer->seconds});
  } else if (const auto* name = std::get_if<protocol::BusinessNameChanged>(&event)) {
    note(name->jid, SeenBusiness{"name"});
  } else if (const auto* profile = std::get_if<protocol::BusinessProfileChanged>(&event)) {
    note(profile->jid, SeenBusiness{"profile"});
  } else if (const auto* catalogue = std::get_if<protocol::CatalogChanged>(&event)) {
    note(catalogue->jid, SeenBusiness{"catalogue"});
  } else if (const auto* removed = std::get_if<protocol::BusinessRemoved>(&event)) {
    note(removed->jid, SeenBusiness{"removed"});
  } else if (const auto* number = std::get_if<protocol::ContactNumberChanged>(&event)) {
    note(number->new_jid, SeenNumber{number->old_jid.user});
  } else if (const auto* lid = std::get_if<protocol::LidChanged>(&event)) {
    note(lid->old_lid, SeenLid{lid->old_lid});  // it resolves for good
  }
}

void PhonePeople::on_notification(const Node& notification) {
  const protocol::NotificationReader reader{c_.own_pn(), c_.own_lid(), c_.now()};
  for (const auto& event : protocol::read_notification(notification, reader)) take(event);
}

// --- in the phone's row

void PhonePeople::save(json::object& core) const {
  json::array watched;
  for (const auto& phone : watched_) watched.emplace_back(phone);
  core["available"] = available_;
  core["watched"] = std::move(watched);
}

void PhonePeople::load(const json::object& core) {
  if (const auto* available = core.if_contains("available")) available_ = available->as_bool();
  const auto* watched = core.if_contains("watched");
  if (watched == nullptr) return;
  for (const auto& phone : watched->as_array()) watched_.insert(string_of(phone));
}

}  // namespace wharf::sandbox
