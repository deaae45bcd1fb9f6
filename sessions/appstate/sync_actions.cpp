#include "sessions/appstate/sync_actions.h"

#include <vector>

namespace wharf::sessions {

using protocol::AppStateMutation;

namespace {

/// Versions of an action above the one that is known say something else.
constexpr std::int32_t known_contact = 2, known_lid_contact = 1, known_push_name = 1;

bool is_understood(const AppStateMutation& mutation, std::int32_t known) {
  return mutation.operation == AppStateMutation::Operation::remove || mutation.version <= known;
}

}  // namespace

void SyncActions::act(std::string_view collection, const AppStateMutation& mutation) {
  if (!mutation.readable) return;
  const std::vector<std::string> index = protocol::index_parts(mutation.index);
  if (index.empty()) return;
  if (collection == protocol::critical_block) {
    if (index[0] != protocol::push_name_action || mutation.operation == AppStateMutation::Operation::remove ||
        !is_understood(mutation, known_push_name))
      return;
    if (const auto name = protocol::read_push_name(mutation.value); name && on_own_name) on_own_name(*name);
    return;
  }
  const bool by_lid = index[0] == protocol::lid_contact_action;
  if (collection != protocol::critical_unblock_low || index.size() < 2 || index[1].size() > 128) return;
  if (!by_lid && index[0] != protocol::contact_action) return;
  if (!is_understood(mutation, by_lid ? known_lid_contact : known_contact)) return;
  const auto who = Jid::parse(index[1]);
  if (who && !who->user.empty() && (who->is_lid() || (!by_lid && who->is_phone_number())))
    on_contact(who->user_jid(), mutation);
}

void SyncActions::act_gone(std::string_view collection, const std::string& index) {
  AppStateMutation gone;
  gone.operation = AppStateMutation::Operation::remove;
  gone.index = index;
  act(collection, gone);
}

void SyncActions::on_contact(const Jid& who, const AppStateMutation& mutation) {
  if (mutation.operation == AppStateMutation::Operation::remove)
    return book_.hear_saved_name(directory_.canonical_user(who), "");
  const auto contact = who.is_lid() && !protocol::read_contact(mutation.value)
                           ? protocol::read_lid_contact(mutation.value)
                           : protocol::read_contact(mutation.value);
  if (!contact) return;
  // What an address book says of LIDs seeds those that are unknown, and moves none (02 section 9).
  if (who.is_phone_number() && contact->lid) directory_.learn(who, *contact->lid, Directory::Source::hints);
  if (who.is_lid() && contact->pn) directory_.learn(*contact->pn, who, Directory::Source::hints);
  const std::string& name = contact->full_name.empty() ? contact->first_name : contact->full_name;
  book_.hear_saved_name(directory_.canonical_user(who), name);
}

}  // namespace wharf::sessions
