#pragma once
// Profiles and pictures of people, and what the own account shows: asked of WhatsApp for who wants to know. What is
// told is kept (contact_book.h). Specification 02 sections 7 and 10, 05 sections 9 and 13.

#include "sessions/context.h"
#include "sessions/directory.h"
#include "sessions/media/media_hosts.h"
#include "sessions/people/contact_book.h"
#include "sessions/people/people_commands.h"
#include "sessions/people/trusted_tokens.h"
#include "sessions/reply.h"

namespace wharf::sessions {

class Profiles {
 public:
  Profiles(Context& context, Directory& directory, TrustedTokens& tokens, ContactBook& book, MediaHosts& hosts)
      : c_(context), directory_(directory), tokens_(tokens), book_(book), hosts_(hosts) {}

  void look_at(const Jid& who, Reply<ContactView> reply);
  void get_picture(const GetPicture& asked, Reply<PictureView> reply);
  void set_own_picture(const protocol::Bytes& jpeg, Reply<std::string> reply);
  void set_about(const std::string& text, Reply<void> reply);
  void set_default_timer(std::uint32_t seconds, Reply<void> reply);
  void read_business(const Jid& who, Reply<std::optional<protocol::BusinessProfile>> reply);
  void read_catalog(protocol::CatalogQuery query, Reply<protocol::CatalogPage> reply);

 private:
  ContactView view(storage::ContactRow row, bool fresh);
  void on_profile(const Jid& user, const Node* answer, Reply<ContactView> reply);
  /// What is stored of them, if it says anything.
  std::optional<storage::ContactRow> known(const Jid& user) const;
  void tell_no_picture(const Jid& user, PictureView none, Reply<PictureView> reply);
  void fetch(PictureView picture, Reply<PictureView> reply);

  Context& c_;
  Directory& directory_;
  TrustedTokens& tokens_;
  ContactBook& book_;
  MediaHosts& hosts_;
};

}  // namespace wharf::sessions
