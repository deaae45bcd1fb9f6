#include "sessions/people/people_notices.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "sessions/server_time.h"

namespace wharf::sessions {

namespace {

constexpr std::array<std::string_view, 7> types = {"picture",       "status",      "account_sync", "contacts",
                                                   "privacy_token", "server_sync", "mex"};

}  // namespace

bool PeopleNotices::is_news(const Node& notification) {
  const std::size_t said = std::hash<std::string>{}(notification.attr("id") + " " + notification.attr("t") + " " +
                                                    notification.attr("from"));
  if (std::find(heard_.begin(), heard_.end(), said) != heard_.end()) return false;
  if (heard_.size() >= most_heard) heard_.erase(heard_.begin(), heard_.begin() + most_heard / 2);
  heard_.push_back(said);
  return true;
}

void PeopleNotices::on_notification(const Node& notification) {
  const std::string type = notification.attr("type");
  if (std::find(types.begin(), types.end(), type) == types.end()) return;
  const protocol::NotificationReader reader{c_.device.jid, c_.device.lid, c_.unix_seconds()};
  if ((type == "picture" || type == "status") && !is_news(notification)) return;
  const bool told_before = type == "account_sync" && !is_news(notification);
  for (const protocol::NotificationEvent& event : protocol::read_notification(notification, reader)) {
    if (const auto* picture = std::get_if<protocol::PictureChanged>(&event); picture && picture->jid.is_group()) {
      groups_.on_picture(notification, *picture);
      continue;
    }
    const bool shown = std::holds_alternative<protocol::PictureChanged>(event) ||
                       std::holds_alternative<protocol::AboutChanged>(event);
    if (told_before && shown) continue;
    std::visit([this](const auto& change) { hear(change); }, event);
  }
}

void PeopleNotices::hear(const protocol::PictureChanged& change) {
  if (change.own) return tell_own(events::ContactUpdated::Change::picture, "");
  if (!change.jid.has_devices() || directory_.is_own(change.jid)) return;
  book_.hear_picture(directory_.canonical_user(change.jid), change.removed ? std::string() : change.picture_id);
}

void PeopleNotices::hear(const protocol::AboutChanged& change) {
  if (change.own) return tell_own(events::ContactUpdated::Change::about, change.about.value_or(""));
  if (!change.jid.has_devices() || directory_.is_own(change.jid)) return;
  const UnixMs set_at = change.at ? stated_ms(*change.at, c_.now.unix_ms) : 0;
  book_.hear_about(directory_.canonical_user(change.jid), change.about, set_at);
}

void PeopleNotices::tell_own(events::ContactUpdated::Change change, const std::string& text) {
  const Jid user = directory_.canonical_user(c_.device.jid.user_jid());
  c_.emit(events::ContactUpdated{user, directory_.person(user), change, text, true});
}

void PeopleNotices::learn_own_name(const std::string& name) {
  if (name.empty() || name == c_.device.push_name) return;
  const bool nameless = c_.device.push_name.empty();
  c_.device.push_name = name;
  c_.device_changed();
  if (!nameless) tell_own(events::ContactUpdated::Change::push_name, name);
  const auto& tell = nameless ? on_named : on_renamed;
  if (tell) tell();
}

void PeopleNotices::hear(const protocol::LidChanged& change) {
  // Of the own account its login says it.
  if (directory_.is_own(change.old_lid) || directory_.is_own(change.new_lid)) return;
  const auto number = directory_.person(change.old_lid).pn;
  if (number) directory_.learn(*number, change.new_lid, Directory::Source::hints);
}

void PeopleNotices::hear(const protocol::ContactNumberChanged& change) {
  // The server's word on who has which LID, which may not move one that is known (02 section 9).
  const auto hint = [this](const Jid& number, const std::optional<Jid>& lid) {
    if (lid && number.is_phone_number()) directory_.learn(number, *lid, Directory::Source::hints);
  };
  const auto& lid = change.new_lid;
  if (lid && lid == change.old_lid && change.new_jid.is_phone_number()) return hear_new_number(change, *lid);
  hint(change.old_jid, change.old_lid);
  // Where the new number has the LID of the old one, that pair is not believed from the next line on; the contact is
  // filed under it.
  const Jid old_user = directory_.canonical_user(change.old_jid);
  hint(change.new_jid, lid);
  const Jid new_user = directory_.canonical_user(change.new_jid);
  // Without a word on LIDs two that are known to have two are two accounts: somebody else has the old number by now.
  if (!change.old_lid && !lid && old_user.is_lid() && new_user.is_lid()) return;
  book_.hear_number(old_user, new_user, change.old_jid);
}

// The account keeps its LID, and all that is filed under it. The pair with the new number is what tells the change
// (directory.h), when WhatsApp has confirmed it; or has told it, where another stanza was faster.
void PeopleNotices::hear_new_number(const protocol::ContactNumberChanged& change, const Jid& lid) {
  const auto is_without_lid = [this](const Jid& number) { return directory_.canonical_user(number) == number; };
  const bool told = directory_.canonical_user(change.new_jid) == lid;
  if (told) {
    // What was known of the old number alone, when its LID was not.
    if (is_without_lid(change.old_jid)) book_.hear_number(change.old_jid, lid, change.old_jid);
    return;
  }
  if (change.old_jid.is_phone_number() && is_without_lid(change.old_jid) && !directory_.person(lid).pn)
    directory_.learn(change.old_jid, lid, Directory::Source::hints);
  directory_.learn(change.new_jid, lid, Directory::Source::hints);
}

}  // namespace wharf::sessions
