#include "sessions/people/profiles.h"

#include <algorithm>
#include <utility>

#include "protocol/account/pictures.h"
#include "protocol/account/profile.h"
#include "protocol/appstate/actions.h"
#include "protocol/media/media_urls.h"
#include "protocol/stanzas/iq_reading.h"
#include "sessions/appstate/saved_people.h"
#include "sessions/asking.h"
#include "sessions/server_refusal.h"

namespace wharf::sessions {

using protocol::PictureState;
using protocol::Profile;
using protocol::ProfileField;

// --- people

ContactView Profiles::view(storage::ContactRow row, bool fresh) {
  ContactView view;
  view.ids = directory_.person(row.user);
  const std::string book(protocol::critical_unblock_low);
  view.saved = is_saved(row, view.ids, c_.records.find_app_state(book), [&](const std::string& index) {
    return !c_.records.app_state_records_of(book, index).empty();
  });
  if (directory_.is_own(row.user)) row.push_name = c_.device.push_name;  // no row of the book has it
  view.row = std::move(row);
  view.fresh = fresh;
  return view;
}

std::optional<storage::ContactRow> Profiles::known(const Jid& user) const {
  auto row = c_.records.find_contact(user);
  if (row && !storage::says_something(*row)) row.reset();
  return row;
}

void Profiles::look_at(const Jid& who, Reply<ContactView> reply) {
  const Jid user = directory_.canonical_user(who);
  if (!c_.link.online()) {
    auto row = known(user);
    if (!row) return c_.answer(std::move(reply), not_connected());
    return c_.answer(std::move(reply), view(std::move(*row), false));
  }
  protocol::ProfileFields fields{ProfileField::about, ProfileField::picture, ProfileField::business,
                                 ProfileField::username, ProfileField::lid};
  protocol::ProfileTarget target;
  target.token = tokens_.token_of(user);
  const PersonIds ids = directory_.person(user);
  // Whether somebody is there can be asked of numbers alone (02 section 10).
  if (ids.pn) {
    fields.add(ProfileField::contact);
    target.phone = ids.pn->user;
  } else {
    target.jid = user;
  }
  const Node iq = protocol::profile_query_iq(c_.ids.next(), c_.ids.next(), fields, std::array{target});
  c_.query(iq, [this, user, reply = std::move(reply)](const Node* answer) mutable {
    on_profile(user, answer, std::move(reply));
  });
}

namespace {

/// WhatsApp did not tell whether somebody is there: the error of the field, of this user or of all.
const protocol::ProfileError* contact_error(const protocol::Profiles& read, const Profile* profile) {
  const auto* error = profile == nullptr ? nullptr : protocol::find_error(profile->errors, ProfileField::contact);
  return error != nullptr ? error : protocol::find_error(read.errors, ProfileField::contact);
}

bool echoes(const Profile& profile, const Jid& pn) {
  const std::string& text = profile.contact_query;
  return !text.empty() && (text == pn.user || (text.front() == '+' && text.substr(1) == pn.user));
}

}  // namespace

void Profiles::on_profile(const Jid& user, const Node* answer, Reply<ContactView> reply) {
  // What is known is better than an error.
  const auto refuse = [&](Refusal why) {
    if (auto row = known(user)) return c_.answer(std::move(reply), view(std::move(*row), false));
    c_.answer(std::move(reply), std::move(why));
  };
  if (answer == nullptr) return refuse(no_answer());
  const auto read = protocol::read_profiles(*answer);
  if (!read) return refuse(server_refusal(answer, read.error(), Subject::contact));
  const PersonIds ids = directory_.person(user);
  const auto is_asked = [&](const Profile& profile) {
    const Jid named = profile.jid.user_jid();
    if (ids.pn && echoes(profile, *ids.pn)) return true;
    if (named.user.empty()) return profile.contact_query.empty();  // not there, and not named: one user was asked for
    return named == user || named == ids.pn || named == ids.lid || (profile.pn && profile.pn->user_jid() == ids.pn);
  };
  const auto found = std::find_if(read->users.begin(), read->users.end(), is_asked);
  const Profile* profile = found == read->users.end() ? nullptr : &*found;
  if (ids.pn && (profile == nullptr || profile->contact_type != "in")) {
    if (const auto* error = contact_error(*read, profile)) {
      Refusal why(errc_of_server(error->code), Subject::contact,
                  "WhatsApp does not tell who has this number (" + std::to_string(error->code) + ")");
      why.retry_after_s = bounded_backoff_s(error->backoff_seconds);
      return refuse(std::move(why));
    }
    book_.learn_absence(user);
    return c_.answer(std::move(reply),
                     Refusal(Errc::not_found, Subject::contact, "nobody on WhatsApp has this number"));
  }
  // Of a LID nobody can ask whether somebody is there: one of whom nothing is told is nobody that is known.
  if (profile == nullptr) return refuse({Errc::not_found, Subject::contact, "WhatsApp tells nothing of this contact"});
  const bool shows_something = profile->pn || profile->business || (profile->username && !profile->username->empty()) ||
                               (profile->picture_id && !profile->picture_id->empty()) ||
                               (profile->about && (profile->about->hidden || !profile->about->text.empty()));
  if (!ids.pn && !shows_something && !directory_.is_own(user) && !known(user))
    return refuse({Errc::not_found, Subject::contact, "WhatsApp tells nothing of this contact"});
  if (!profile->jid.user.empty()) {
    if (profile->lid) directory_.learn(profile->jid, *profile->lid);
    if (profile->pn) directory_.learn(*profile->pn, profile->jid);
  }
  // The server corrects numbers: whoever it names is the one.
  const Jid named = profile->jid.user.empty() ? user : profile->jid;
  c_.answer(std::move(reply), view(book_.learn(directory_.canonical_user(named), *profile, read->errors), true));
}

// --- pictures

void Profiles::get_picture(const GetPicture& asked, Reply<PictureView> reply) {
  if (!c_.link.online()) return c_.answer(std::move(reply), not_connected());
  protocol::PictureQuery query;
  query.target = directory_.canonical_user(asked.who);
  query.size = asked.preview ? protocol::PictureSize::preview : protocol::PictureSize::image;
  query.token = tokens_.token_of(query.target);
  const Node iq = protocol::picture_iq(c_.ids.next(), query);
  c_.query(iq, [this, query, wanted = asked.with_bytes, reply = std::move(reply)](const Node* answer) mutable {
    if (answer == nullptr) return c_.answer(std::move(reply), no_answer());
    auto read = protocol::read_picture_answer(*answer, query);
    if (!read) return c_.answer(std::move(reply), server_refusal(answer, read.error(), Subject::contact));
    if (read->kind == PictureState::Kind::present && !directory_.is_own(query.target)) {
      storage::ContactRow row = book_.find(query.target);
      if (row.picture_id != read->id) {
        row.picture_id = read->id;
        book_.put(std::move(row));
      }
    }
    PictureView picture{std::move(*read), {}};
    if (picture.state.kind == PictureState::Kind::none && !directory_.is_own(query.target))
      return tell_no_picture(query.target, std::move(picture), std::move(reply));
    if (!wanted || picture.state.kind != PictureState::Kind::present)
      return c_.answer(std::move(reply), std::move(picture));
    fetch(std::move(picture), std::move(reply));
  });
}

// WhatsApp says the same of who shows none and of a number that nobody has.
void Profiles::tell_no_picture(const Jid& user, PictureView none, Reply<PictureView> reply) {
  const auto row = known(user);
  if (row && row->registered != storage::Registered::no) return c_.answer(std::move(reply), std::move(none));
  look_at(user, [none = std::move(none), reply = std::move(reply)](const Outcome<ContactView>& found) mutable {
    if (!found) return std::move(reply)(found.error());
    std::move(reply)(std::move(none));
  });
}

void Profiles::fetch(PictureView picture, Reply<PictureView> reply) {
  hosts_.get([this, picture = std::move(picture), reply = std::move(reply)](const protocol::MediaConn*) mutable {
    // As it is written: some servers sign the whole of it.
    const auto hosts = hosts_.download_hosts();
    auto targets = protocol::download_targets({picture.state.url, picture.state.direct_path, {}}, std::nullopt,
                                              protocol::MediaKind::image, hosts);
    if (!targets) return c_.answer(std::move(reply), std::move(picture));
    SmallFile file{std::move(*targets), max_picture_bytes};
    c_.fetch(std::move(file), [this, picture = std::move(picture),
                               reply = std::move(reply)](Transferred<protocol::Bytes> bytes) mutable {
      if (bytes) picture.bytes = std::move(*bytes);
      c_.answer(std::move(reply), std::move(picture));
    });
  });
}

void Profiles::set_own_picture(const protocol::Bytes& jpeg, Reply<std::string> reply) {
  if (!jpeg.empty())
    return ask(c_, protocol::set_picture_iq(c_.ids.next(), std::nullopt, jpeg), Subject::contact,
               protocol::read_picture_set, std::move(reply));
  const auto removed = [](const Node& answer) -> protocol::Result<std::string> {
    if (auto done = protocol::result_only(answer, "the picture"); !done) return done.error();
    return std::string();
  };
  ask(c_, protocol::remove_picture_iq(c_.ids.next(), std::nullopt), Subject::contact, removed, std::move(reply));
}

// --- what the account shows

void Profiles::set_about(const std::string& text, Reply<void> reply) {
  ask(
      c_, protocol::set_about_iq(c_.ids.next(), text), Subject::contact,
      [](const Node& answer) { return protocol::result_only(answer, "the about text"); }, std::move(reply));
}

void Profiles::set_default_timer(std::uint32_t seconds, Reply<void> reply) {
  ask(
      c_, protocol::set_default_timer_iq(c_.ids.next(), seconds), Subject::contact,
      [](const Node& answer) { return protocol::result_only(answer, "the timer"); }, std::move(reply));
}

// --- businesses

void Profiles::read_business(const Jid& who, Reply<std::optional<protocol::BusinessProfile>> reply) {
  const Jid user = directory_.canonical_user(who);
  const auto first = [](const Node& answer) -> protocol::Result<std::optional<protocol::BusinessProfile>> {
    auto read = protocol::read_business_profiles(answer);
    if (!read) return read.error();
    if (read->empty()) return std::optional<protocol::BusinessProfile>();
    return std::optional(std::move(read->front()));
  };
  ask(c_, protocol::business_profile_iq(c_.ids.next(), std::array{user}), Subject::contact, first, std::move(reply));
}

void Profiles::read_catalog(protocol::CatalogQuery query, Reply<protocol::CatalogPage> reply) {
  query.business = directory_.canonical_user(query.business);
  ask(c_, protocol::catalog_iq(c_.ids.next(), query), Subject::contact, protocol::read_catalog, std::move(reply));
}

}  // namespace wharf::sessions
