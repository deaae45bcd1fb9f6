#pragma once
// What is known of people (storage/contacts.h), from their messages, their profiles and the server's notifications. A
// person has one row, under the LID when it is known. Specification 02 sections 9 and 10.

#include <map>
#include <optional>
#include <span>
#include <string>

#include "events/event.h"
#include "protocol/account/profile_query.h"
#include "sessions/context.h"
#include "sessions/directory.h"

namespace wharf::sessions {

class ContactBook {
 public:
  ContactBook(Context& context, Directory& directory) : c_(context), directory_(directory) {}

  /// The row, or what is known of somebody of whom nothing is: an empty one.
  storage::ContactRow find(const Jid& user) const;
  void put(storage::ContactRow row) { c_.records.add(storage::PutContact{c_.id(), std::move(row)}); }

  /// Somebody said this name with a message. Told when it was another before.
  void hear_push_name(const Jid& user, const std::string& name);
  /// How the phone's address book calls somebody; "" = they are not saved there (any more). Told, but of an
  /// address book that is read for the `first` time only when it was another name before.
  void hear_saved_name(const Jid& user, const std::string& name, bool first);
  /// What a profile query told, which asked for the business too, into the row; told where it was known to be something
  /// else. What was not answered stays, as what the answer calls an error does (`errors`: of all users); but of whom no
  /// business is told though something else is, is none. That somebody is there is known when the server says `in`
  /// alone: of a LID it says nothing. The row as it is then; one of whom nothing was told is not kept.
  storage::ContactRow learn(const Jid& user, const protocol::Profile& profile,
                            std::span<const protocol::ProfileError> errors);
  /// Nobody has this number (any more): a row that is there says so from now on.
  void learn_absence(const Jid& user);
  /// From notifications. nullopt: it changed, and is to be asked for.
  void hear_about(const Jid& user, const std::optional<std::string>& about, UnixMs set_at);
  void hear_picture(const Jid& user, const std::string& picture_id);
  /// Somebody who is known by the old number has another one: what was known is of the new one by now. Nothing when
  /// nothing was known.
  /// `old_jid`: as it was called.
  void hear_number(const Jid& old_user, const Jid& new_user, const Jid& old_jid);
  /// Two that were two are one: `to` is the LID, whose account keeps what was known of it under any number.
  void join(const Jid& from, const Jid& to);

  /// `keep` false: the account is another one from here on.
  void end_turn(bool keep);

 private:
  void tell(const Jid& user, events::ContactUpdated::Change change, std::string text);

  static constexpr std::size_t kept = 32;
  Context& c_;
  Directory& directory_;
  std::map<Jid, std::string> hot_names_;  // what the rows of who wrote lately say: asked with every message
};

}  // namespace wharf::sessions
