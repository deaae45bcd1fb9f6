#include "sessions/people/account_settings.h"

#include <memory>
#include <set>
#include <utility>

#include "events/event.h"
#include "sessions/asking.h"
#include "sessions/server_refusal.h"

namespace wharf::sessions {

void AccountSettings::on_online() {
  if (c_.device.reads_shown != storage::ReadsShown::unknown) return on_reads_known();
  c_.query(protocol::privacy_iq(c_.ids.next()), [this](const Node* answer) {
    if (answer == nullptr && !c_.link.online()) return;
    const auto read = answer != nullptr ? protocol::read_privacy(*answer) : Result<Settings>(Settings{});
    if (read) learn(*read);
    on_reads_known();
  });
}

void AccountSettings::learn(const Settings& settings) {
  for (const protocol::PrivacySetting& setting : settings) {
    if (setting.category != protocol::PrivacyCategory::read_receipts) continue;
    const auto shown =
        setting.value == protocol::PrivacyValue::none ? storage::ReadsShown::no : storage::ReadsShown::yes;
    if (std::exchange(c_.device.reads_shown, shown) != shown) c_.device_changed();
  }
}

void AccountSettings::read_privacy(Reply<Settings> reply) {
  const auto read = [this](const Node& answer) {
    auto settings = protocol::read_privacy(answer);
    if (settings) learn(*settings);
    return settings;
  };
  ask(c_, protocol::privacy_iq(c_.ids.next()), Subject::contact, read, std::move(reply));
}

void AccountSettings::change_privacy(Settings wanted, Reply<Settings> reply) {
  change_from(0, std::move(wanted), std::move(reply));
}

void AccountSettings::change_from(std::size_t place, Settings wanted, Reply<Settings> reply) {
  if (place >= wanted.size()) return read_privacy(std::move(reply));
  if (!c_.link.online()) return c_.answer(std::move(reply), not_connected());
  const Node iq = protocol::set_privacy_iq(c_.ids.next(), wanted[place]);
  c_.query(iq, [this, place, wanted = std::move(wanted), reply = std::move(reply)](const Node* answer) mutable {
    if (answer == nullptr) return c_.answer(std::move(reply), no_answer());
    const auto done = protocol::read_privacy(*answer);
    if (!done) {
      Refusal why = server_refusal(answer, done.error(), Subject::contact);
      why.detail = std::string(name(wanted[place].category)) + ": " + why.detail;
      return c_.answer(std::move(reply), std::move(why));
    }
    learn(*done);
    change_from(place + 1, std::move(wanted), std::move(reply));
  });
}

void AccountSettings::list_blocked(Reply<std::vector<Person>> reply) {
  const auto read = [this](const Node& answer) -> Result<std::vector<Person>> {
    const auto list = protocol::read_block_list(answer);
    if (!list) return list.error();
    return people_of(list->users);
  };
  ask(c_, protocol::block_list_iq(c_.ids.next()), Subject::contact, read, std::move(reply));
}

std::vector<Person> AccountSettings::people_of(const std::vector<protocol::ExcludedUser>& users) {
  std::vector<Person> people;
  std::set<Jid> seen;  // somebody may be listed under both names
  for (const protocol::ExcludedUser& user : users) {
    const Jid canonical = directory_.canonical_user(user.jid);
    if (seen.insert(canonical).second) people.push_back({canonical, directory_.person(canonical)});
  }
  return people;
}

// --- whom contact_blacklist leaves out

protocol::ExclusionListQuery AccountSettings::list_of(protocol::PrivacyCategory category) const {
  using protocol::PrivacyAddressing;
  return {category, c_.device.lid.empty() ? PrivacyAddressing::by_number : PrivacyAddressing::by_lid};
}

void AccountSettings::read_excluded(protocol::PrivacyCategory category, Reply<std::vector<Person>> reply) {
  const auto read = [this](const Node& answer) -> Result<std::vector<Person>> {
    const auto list = protocol::read_exclusion_list(answer);
    if (!list) return list.error();
    return *list ? people_of((*list)->users) : std::vector<Person>();
  };
  ask(c_, protocol::exclusion_list_iq(c_.ids.next(), list_of(category)), Subject::contact, read, std::move(reply));
}

std::vector<Jid> AccountSettings::without_lid(const ChangeExcluded& wanted) {
  std::vector<Jid> out;
  if (c_.device.lid.empty()) return out;
  for (const auto* list : {&wanted.add, &wanted.remove}) {
    for (const Jid& who : *list)
      if (const Jid user = directory_.canonical_user(who); !user.is_lid()) out.push_back(user);
  }
  return out;
}

void AccountSettings::change_excluded(ChangeExcluded wanted, Reply<std::vector<Person>> reply) {
  if (!c_.link.online()) return c_.answer(std::move(reply), not_connected());
  auto unknown = without_lid(wanted);
  if (unknown.empty()) return exclude(std::move(wanted), std::move(reply));
  auto then = std::make_shared<Reply<std::vector<Person>>>(std::move(reply));
  directory_.refresh(std::move(unknown), [this, wanted, then](Directory::Told told) {
    const auto missing = without_lid(wanted);
    if (missing.empty()) return exclude(wanted, std::move(*then));
    if (told != Directory::Told::all)
      return c_.answer(std::move(*then), Refusal(Errc::timed_out, Subject::contact,
                                                 "WhatsApp does not tell now who has these numbers; try again later"));
    c_.answer(std::move(*then), Refusal(Errc::not_found, Subject::contact,
                                        "nobody who can be left out has the number " + missing.front().user));
  });
}

void AccountSettings::exclude(ChangeExcluded wanted, Reply<std::vector<Person>> reply, Tries tries) {
  if (!c_.link.online()) return c_.answer(std::move(reply), not_connected());
  const Node iq = protocol::exclusion_list_iq(c_.ids.next(), list_of(wanted.category));
  c_.query(iq, [this, wanted = std::move(wanted), reply = std::move(reply), tries](const Node* answer) mutable {
    if (answer == nullptr) return c_.answer(std::move(reply), no_answer());
    const auto read = protocol::read_exclusion_list(*answer);
    if (!read) return c_.answer(std::move(reply), server_refusal(answer, read.error(), Subject::contact));
    const Node set =
        protocol::change_exclusions_iq(c_.ids.next(), change_of(*read ? **read : protocol::ExclusionList(), wanted));
    c_.query(set, [this, wanted = std::move(wanted), reply = std::move(reply), tries](const Node* done) mutable {
      if (done == nullptr) return c_.answer(std::move(reply), no_answer());
      if (const auto holds = protocol::read_privacy(*done); !holds) {
        if (holds.error().code == Errc::conflict && tries == Tries::two)
          return exclude(std::move(wanted), std::move(reply), Tries::one);
        return c_.answer(std::move(reply), server_refusal(done, holds.error(), Subject::contact));
      }
      read_excluded(wanted.category, std::move(reply));
    });
  });
}

protocol::ExclusionListChange AccountSettings::change_of(const protocol::ExclusionList& now,
                                                         const ChangeExcluded& wanted) {
  std::set<Jid> listed;
  for (const protocol::ExcludedUser& user : now.users) listed.insert(directory_.canonical_user(user.jid));
  protocol::ExclusionListChange change{list_of(wanted.category), now.dhash, {}};
  const auto put = [&](const std::vector<Jid>& people, bool in) {
    for (const Jid& who : people) {
      const Jid user = directory_.canonical_user(who);
      if (in ? !listed.insert(user).second : listed.erase(user) == 0) continue;  // it is so already
      change.changes.push_back({in, user, user.is_lid() ? directory_.person(user).pn : std::nullopt});
    }
  };
  put(wanted.add, true);
  put(wanted.remove, false);
  return change;
}

void AccountSettings::block(const BlockContact& wanted, Reply<void> reply) {
  if (!c_.link.online()) return c_.answer(std::move(reply), not_connected());
  const Jid user = directory_.canonical_user(wanted.who);
  // An account with LIDs blocks by LID (05 section 13 item 5): one that is not known is asked for first.
  if (user.is_lid() || c_.device.lid.empty()) return send_block({user, wanted.block}, std::move(reply));
  auto then = std::make_shared<Reply<void>>(std::move(reply));
  directory_.refresh({user}, [this, wanted, then](Directory::Told told) {
    const Jid known = directory_.canonical_user(wanted.who);
    if (known.is_lid()) return send_block({known, wanted.block}, std::move(*then));
    if (told != Directory::Told::all)
      return c_.answer(std::move(*then), Refusal(Errc::timed_out, Subject::contact,
                                                 "WhatsApp does not tell now who has this number; try again later"));
    // Devices were told: somebody is there who has no LID, and is blocked by number if at all.
    if (directory_.listed_devices(known) != nullptr) return send_block({known, wanted.block}, std::move(*then));
    c_.answer(std::move(*then), Refusal(Errc::not_found, Subject::contact, "nobody on WhatsApp has this number"));
  });
}

void AccountSettings::send_block(const BlockContact& wanted, Reply<void> reply) {
  protocol::BlockChange change;
  change.block = wanted.block;
  change.jid = wanted.who;
  if (wanted.who.is_lid()) change.pn = directory_.person(wanted.who).pn;
  const Node iq = protocol::block_iq(c_.ids.next(), change);
  const auto read = [this, wanted](const Node& answer) -> Result<void> {
    const auto list = protocol::read_block_list(answer);
    if (!list) return list.error();
    if (on_blocks_changed) on_blocks_changed();
    tell_block(wanted.who, wanted.block);
    return {};
  };
  ask(c_, iq, Subject::contact, read, std::move(reply));
}

void AccountSettings::on_blocks(const protocol::BlocklistChanged& changed) {
  if (on_blocks_changed) on_blocks_changed();
  std::size_t told = 0;
  for (const protocol::BlocklistChanged::Change& one : changed.changes) {
    if (++told > most_told) return;
    if (one.jid.has_devices()) tell_block(one.jid, one.blocked);
  }
}

void AccountSettings::tell_block(const Jid& who, bool blocked) {
  using Change = events::ContactUpdated::Change;
  const Jid user = directory_.canonical_user(who);
  if (const auto before = told_.find(user); before != told_.end() && before->second == blocked) return;
  if (told_.size() >= most_told) told_.clear();
  told_[user] = blocked;
  c_.emit(events::ContactUpdated{user, directory_.person(user), blocked ? Change::blocked : Change::unblocked, {}});
}

}  // namespace wharf::sessions
