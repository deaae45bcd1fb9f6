#include "sessions/appstate/sync_actions.h"

#include <optional>
#include <vector>

namespace wharf::sessions {

using protocol::AppStateMutation;

namespace {

/// Whom an index of this collection is about; nullopt: it is about something else.
std::optional<Jid> person_of(std::string_view collection, const std::vector<std::string>& index) {
  return collection == protocol::critical_unblock_low ? protocol::contact_of(index) : std::nullopt;
}

/// What a value under this index says of them; nullopt: nothing that is understood.
std::optional<protocol::ContactAction> contact_in(const AppStateMutation& mutation,
                                                  const std::vector<std::string>& index, const Jid& who) {
  const bool by_lid = index[0] == protocol::lid_contact_action;
  if (mutation.version > (by_lid ? protocol::lid_contact_version : protocol::contact_version)) return std::nullopt;
  auto contact = protocol::read_contact(mutation.value);
  return !contact && who.is_lid() ? protocol::read_lid_contact(mutation.value) : contact;
}

}  // namespace

std::vector<std::string> SyncActions::indexes_of(std::string_view collection, const std::string& index) {
  std::vector<std::string> out;
  if (const auto who = person_of(collection, protocol::index_parts(index))) {
    const PersonIds ids = directory_.person(directory_.canonical_user(*who));
    out = protocol::contact_indexes(ids.pn, ids.lid);
  }
  out.push_back(index);
  return out;
}

void SyncActions::learn(std::string_view collection, const AppStateMutation& mutation, Telling telling) {
  if (!mutation.readable) return;
  const std::vector<std::string> index = protocol::index_parts(mutation.index);
  const auto who = person_of(collection, index);
  const auto contact = who ? contact_in(mutation, index, *who) : std::nullopt;
  if (!contact) return;
  const auto& other = who->is_phone_number() ? contact->lid : contact->pn;
  if (!other) return;
  // What an address book says of LIDs seeds those that are unknown, and moves none (02 section 9).
  if (telling == Telling::told) directory_.learn(*who, *other, Directory::Source::hints);
  else directory_.learn_untold(*who, *other);
}

void SyncActions::act(std::string_view collection, const AppStateMutation& mutation, Telling telling) {
  if (!mutation.readable) return;
  const std::vector<std::string> index = protocol::index_parts(mutation.index);
  const bool removed = mutation.operation == AppStateMutation::Operation::remove;
  if (collection == protocol::critical_block) {
    if (index.empty() || index[0] != protocol::push_name_action || removed ||
        mutation.version > protocol::push_name_version)
      return;
    if (const auto name = protocol::read_push_name(mutation.value); name && on_own_name) on_own_name(*name);
    return;
  }
  const auto who = person_of(collection, index);
  if (!who) return;
  const auto contact = removed ? protocol::ContactAction() : contact_in(mutation, index, *who);
  if (contact)
    book_.hear_saved_name(directory_.canonical_user(*who), contact->shown_name(), telling == Telling::untold);
}

void SyncActions::act_gone(std::string_view collection, const std::string& index) {
  AppStateMutation gone;
  gone.operation = AppStateMutation::Operation::remove;
  gone.index = index;
  act(collection, gone);
}

}  // namespace wharf::sessions
