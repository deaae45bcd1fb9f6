// What users ask of a session about people, and about what others see of the account.
#include <utility>

#include "sessions/session.h"

namespace wharf::sessions {

void Session::carry_out(CheckNumbers& check, Reply<std::vector<NumberChecked>> reply) {
  number_checks_.check(std::move(check), std::move(reply));
}
void Session::carry_out(const LookAtContact& look, Reply<ContactView> reply) {
  profiles_.look_at(look.who, std::move(reply));
}
void Session::carry_out(const GetPicture& get, Reply<PictureView> reply) {
  profiles_.get_picture(get, std::move(reply));
}
void Session::carry_out(const SetOwnPicture& set, Reply<std::string> reply) {
  profiles_.set_own_picture(set.jpeg, std::move(reply));
}
void Session::carry_out(const SetAbout& set, Reply<void> reply) { profiles_.set_about(set.text, std::move(reply)); }
void Session::carry_out(const SetDefaultTimer& set, Reply<void> reply) {
  profiles_.set_default_timer(set.seconds, std::move(reply));
}
void Session::carry_out(const SetOwnName& set, Reply<void> reply) {
  address_book_.set_own_name(set.own_name, std::move(reply));
}
void Session::carry_out(const SaveContact& save, Reply<void> reply) { address_book_.save(save, std::move(reply)); }
void Session::carry_out(const RemoveSavedContact& remove, Reply<void> reply) {
  audiences_.doubt();
  address_book_.remove(remove, std::move(reply));
}
void Session::carry_out(const ReadPrivacy&, Reply<std::vector<protocol::PrivacySetting>> reply) {
  account_settings_.read_privacy(std::move(reply));
}
void Session::carry_out(ChangePrivacy& change, Reply<std::vector<protocol::PrivacySetting>> reply) {
  account_settings_.change_privacy(std::move(change.settings), std::move(reply));
}
void Session::carry_out(const ReadExcluded& read, Reply<std::vector<Person>> reply) {
  account_settings_.read_excluded(read.category, std::move(reply));
}
void Session::carry_out(ChangeExcluded& change, Reply<std::vector<Person>> reply) {
  account_settings_.change_excluded(std::move(change), std::move(reply));
}
void Session::carry_out(const ListBlocked&, Reply<std::vector<Person>> reply) {
  account_settings_.list_blocked(std::move(reply));
}
void Session::carry_out(const BlockContact& block, Reply<void> reply) {
  account_settings_.block(block, std::move(reply));
}
void Session::carry_out(const ReadBusiness& read, Reply<std::optional<protocol::BusinessProfile>> reply) {
  profiles_.read_business(read.who, std::move(reply));
}
void Session::carry_out(ReadCatalog& read, Reply<protocol::CatalogPage> reply) {
  profiles_.read_catalog(std::move(read.query), std::move(reply));
}
void Session::carry_out(const ShowChatState& show, Reply<void> reply) {
  // Nobody is shown the writing of what could not be sent.
  const auto possible = sealer_.can_send_to(show.chat);
  if (context_.link.online() && !possible) return context_.answer(std::move(reply), possible.error());
  context_.answer(std::move(reply), presence_.show_chat_state(show.chat, show.state));
}
void Session::carry_out(const WatchPresence& watch, Reply<PresenceView> reply) {
  context_.answer(std::move(reply), presence_.watch(watch));
}
void Session::carry_out(const ReadPresence& read, Reply<PresenceView> reply) {
  context_.answer(std::move(reply), presence_.view(read.who));
}
void Session::carry_out(const ShowPresence& show, Reply<void> reply) {
  context_.answer(std::move(reply), presence_.show(show.available));
}

}  // namespace wharf::sessions
