#include "sandbox/network/profile_pictures.h"

#include <utility>

#include "sandbox/network/answers.h"
#include "sandbox/network/pictures.h"
#include "sandbox/row_values.h"

namespace wharf::sandbox {

using protocol::PictureState;

namespace {

constexpr std::string_view category = "profile";

/// By what its pictures' addresses name an account: nobody learns a number from them that has a LID.
const std::string& address_of(const Account& account) { return account.has_lid() ? account.lid : account.number; }

}  // namespace

// --- looking

const ProfilePictures::Picture* ProfilePictures::find(std::string_view phone) const {
  const auto found = pictures_.find(phone);
  return found == pictures_.end() || found->second.jpeg.empty() ? nullptr : &found->second;
}

std::string ProfilePictures::id_of(std::string_view phone) const {
  const auto* picture = find(phone);
  return picture == nullptr ? std::string() : std::to_string(picture->id);
}

std::string ProfilePictures::id_for(const Party& party, const Party& viewer, ByteView token) const {
  return audience_.may_see(party, category, viewer, token) ? id_of(party.account.phone) : std::string();
}

PictureState ProfilePictures::state_for(const Party& viewer, const protocol::PictureQuery& query) const {
  PictureState state;
  const auto target = accounts_.resolve_or_create(query.target.user_jid());
  if (!target) return state;
  const auto& account = target->party->account;
  if (!audience_.may_see(*target->party, category, viewer, query.token)) {
    state.kind = PictureState::Kind::hidden;
  } else if (const auto* picture = find(account.phone)) {
    state.id = std::to_string(picture->id);
    state.kind = query.known_id == state.id ? PictureState::Kind::unchanged : PictureState::Kind::present;
    state.size = query.size;
    state.direct_path = pictures::direct_path(address_of(account), picture->id);
    state.url = pictures::url(c_.settings.media_host, state.direct_path);
  }
  return state;
}

void ProfilePictures::on_iq(const Origin& origin, const Node& iq) {
  if (iq.attr("type") == "set") return c_.send(origin.key, change(origin, iq));
  const auto query = protocol::read_picture_query(iq);
  if (!query) return c_.send(origin.key, error_of(iq, 400, "bad-request"));
  c_.send(origin.key, answer_of(iq, protocol::picture_answer(iq, state_for(origin.party, *query))));
}

const Bytes* ProfilePictures::media(std::string_view direct_path) const {
  const auto place = pictures::place_of(direct_path);
  if (!place) return nullptr;
  const std::string owner(place->owner);
  auto account = accounts_.resolve(Jid(owner, protocol::server::lid));
  if (!account) account = accounts_.resolve(Jid(owner, protocol::server::user));
  if (!account || address_of(account->party->account) != owner) return nullptr;
  const auto* picture = find(account->party->account.phone);
  return picture != nullptr && picture->id == place->id ? &picture->jpeg : nullptr;
}

// --- changing

/// The answer.
Node ProfilePictures::change(const Origin& origin, const Node& iq) {
  auto asked = protocol::read_picture_change(iq);
  if (!asked) return error_of(iq, 406, "not-acceptable");
  if (asked->group) {  // who names a target may name himself
    const auto target = accounts_.resolve(asked->group->user_jid());
    if (!target || target->party != &origin.party) return error_of(iq, 401, "not-authorized");
  }
  const auto& phone = origin.key.phone;
  if (asked->jpeg.empty()) {
    if (find(phone) != nullptr) put(origin, {});
    return result_of(iq);
  }
  if (!pictures::acceptable(asked->jpeg)) return error_of(iq, 406, "not-acceptable");
  put(origin, std::move(asked->jpeg));
  return answer_of(iq, protocol::picture_set_answer(iq, id_of(phone)));
}

void ProfilePictures::put(const Origin& origin, Bytes jpeg) {
  auto& picture = pictures_[origin.key.phone];
  if (!jpeg.empty()) picture.id = pictures::next_id(picture.id, c_.unix_seconds());
  picture.jpeg = std::move(jpeg);
  c_.changes.changed(RowKind::account_picture, origin.key.phone);
  protocol::PictureChanged changed;
  changed.jid = origin.party.account.pn_jid();
  changed.author = changed.jid;
  changed.removed = picture.jpeg.empty();
  if (!changed.removed) changed.picture_id = std::to_string(picture.id);
  sync_.tell_own_devices(origin, Node("picture"));
  audience_.tell_contacts(origin.party, category, changed);
}

// --- rows

std::optional<Bytes> ProfilePictures::row(std::string_view phone) const {
  const auto* picture = find(phone);
  if (picture == nullptr) return std::nullopt;
  Bytes row = protocol::to_bytes(row_number(picture->id, 8));
  protocol::append(row, picture->jpeg);
  return row;
}

void ProfilePictures::restore(const std::string& phone, ByteView row) {
  if (row.size() <= 8 || !pictures::acceptable(row.subspan(8))) damaged("a profile picture");
  pictures_[phone] = {protocol::from_big_endian(row.first(8)), protocol::to_bytes(row.subspan(8))};
}

}  // namespace wharf::sandbox
