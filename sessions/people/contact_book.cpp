#include "sessions/people/contact_book.h"

#include <algorithm>
#include <utility>

#include "events/event.h"

namespace wharf::sessions {

using Change = events::ContactUpdated::Change;
using storage::ContactRow;
using storage::Registered;

namespace {

constexpr std::size_t max_name_bytes = 256;

void fill_in(std::string& blank, const std::string& known) {
  if (blank.empty()) blank = known;
}

bool fails(std::span<const protocol::ProfileError> errors) {
  return protocol::find_error(errors, protocol::ProfileField::business) != nullptr;
}

/// What is known of the one and not of the other.
void complete(ContactRow& row, const ContactRow& other) {
  fill_in(row.push_name, other.push_name);
  fill_in(row.name, other.name);
  fill_in(row.verified_name, other.verified_name);
  fill_in(row.username, other.username);
  fill_in(row.picture_id, other.picture_id);
  if (row.about.empty()) {
    row.about = other.about;
    row.about_at = other.about_at;
  }
  row.registered = std::max(row.registered, other.registered);
  row.looked_at = std::max(row.looked_at, other.looked_at);
  row.watched |= other.watched;
}

}  // namespace

ContactRow ContactBook::find(const Jid& user) const {
  if (auto row = c_.records.find_contact(user)) return std::move(*row);
  ContactRow row;
  row.user = user;
  return row;
}

void ContactBook::tell(const Jid& user, Change change, std::string text) {
  c_.emit(events::ContactUpdated{user, directory_.person(user), change, std::move(text)});
}

void ContactBook::hear_push_name(const Jid& user, const std::string& name) {
  if (name.empty() || name.size() > max_name_bytes || !user.has_devices() || directory_.is_own(user)) return;
  if (const auto hot = hot_names_.find(user); hot != hot_names_.end() && hot->second == name) return;
  hot_names_[user] = name;
  ContactRow row = find(user);
  const bool renamed = !row.push_name.empty() && row.push_name != name;
  if (row.push_name == name && row.registered == Registered::yes) return;
  row.push_name = name;
  row.registered = Registered::yes;
  put(std::move(row));
  if (renamed) tell(user, Change::push_name, name);
}

void ContactBook::hear_saved_name(const Jid& user, const std::string& name, bool first) {
  if (!user.has_devices() || directory_.is_own(user)) return;
  ContactRow row = find(user);
  if (row.name == name) return;
  const bool news = !first || !row.name.empty();
  row.name = name;
  put(std::move(row));
  if (news) tell(user, Change::name, name);
}

ContactRow ContactBook::learn(const Jid& user, const protocol::Profile& profile,
                              std::span<const protocol::ProfileError> errors) {
  ContactRow row = find(user);
  const bool known = row.looked_at != 0;
  const bool there = profile.contact_type == "in";
  if (there) {
    row.looked_at = c_.now.unix_ms;
    row.registered = Registered::yes;
  }
  const bool told_something = there || profile.business || profile.username || profile.about || profile.picture_id;
  const std::string verified_before = row.verified_name;
  if (profile.business) row.verified_name = profile.business->name;
  else if (told_something && !fails(profile.errors) && !fails(errors)) row.verified_name.clear();
  if (profile.username) row.username = *profile.username;
  bool about_changed = false, picture_changed = false;
  if (profile.about) {
    about_changed = known && !profile.about->hidden && row.about != profile.about->text;
    row.about = profile.about->text;
    row.about_at = static_cast<UnixMs>(profile.about->set_at.value_or(0)) * 1'000;
  }
  if (profile.picture_id) {
    picture_changed = known && row.picture_id != *profile.picture_id;
    row.picture_id = *profile.picture_id;
  }
  if (!told_something || directory_.is_own(user)) return row;  // of nobody, or nobody's contact
  put(row);
  if (known && row.verified_name != verified_before) tell(user, Change::verified_name, row.verified_name);
  if (about_changed) tell(user, Change::about, row.about);
  if (picture_changed) tell(user, Change::picture, row.picture_id);
  return row;
}

void ContactBook::learn_absence(const Jid& user) {
  auto row = c_.records.find_contact(user);
  if (!row || row->registered == Registered::no) return;
  hot_names_.erase(user);  // whoever writes all the same is there
  row->registered = Registered::no;
  row->looked_at = c_.now.unix_ms;
  put(std::move(*row));
}

void ContactBook::hear_about(const Jid& user, const std::optional<std::string>& about, UnixMs set_at) {
  ContactRow row = find(user);
  // Notifications come again, also several in their order: an older one than what is known says nothing.
  if (about && row.about == *about) return;
  if (set_at != 0 && set_at < row.about_at) return;
  row.about = about.value_or("");
  row.about_at = set_at;
  put(std::move(row));
  tell(user, Change::about, about.value_or(""));
}

void ContactBook::hear_picture(const Jid& user, const std::string& picture_id) {
  const auto before = c_.records.find_contact(user);
  if (before && before->picture_id == picture_id) return;  // notifications come again
  ContactRow row = find(user);
  row.picture_id = picture_id;
  put(std::move(row));
  tell(user, Change::picture, picture_id);
}

void ContactBook::hear_number(const Jid& old_user, const Jid& new_user, const Jid& old_jid) {
  // Of somebody who was known by the old one alone: a notification that comes again finds nothing to move.
  const auto before = c_.records.find_contact(old_user);
  if (!before || old_user == new_user) return;
  ContactRow row = find(new_user);
  complete(row, *before);
  c_.records.add(storage::RemoveContact{c_.id(), old_user});
  hot_names_.erase(old_user);
  put(std::move(row));
  tell(new_user, Change::number, old_jid.to_string());
}

void ContactBook::join(const Jid& from, const Jid& to) {
  hot_names_.erase(from);
  hot_names_.erase(to);
  const auto before = c_.records.find_contact(from);
  if (!before) return;
  ContactRow row = find(to);
  complete(row, *before);
  c_.records.add(storage::RemoveContact{c_.id(), from});
  put(std::move(row));
}

void ContactBook::end_turn(bool keep) {
  if (!keep || hot_names_.size() > kept) hot_names_.clear();
}

}  // namespace wharf::sessions
