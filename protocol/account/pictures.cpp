#include "protocol/account/pictures.h"

#include <algorithm>

#include "protocol/stanzas/iq_reading.h"
#include "protocol/stanzas/node_fields.h"

namespace wharf::protocol {

namespace {

constexpr std::string_view xmlns = "w:profile:picture";
constexpr std::size_t max_picture_id_bytes = 128;
constexpr std::size_t max_url_bytes = 4096;
constexpr std::size_t max_jpeg_bytes = 1'048'576;
constexpr std::size_t max_token_bytes = 4096;

std::string_view name(PictureSize size) { return size == PictureSize::preview ? "preview" : "image"; }

/// What can stand in a request line, else nothing: an address that is cut leads elsewhere.
std::string address_at(const Node& node, std::string_view key) {
  std::string text = node.attr(key);
  const auto printable = [](char c) { return c > 0x20 && c < 0x7f; };
  if (text.size() > max_url_bytes || !std::all_of(text.begin(), text.end(), printable)) text.clear();
  return text;
}

PictureState state(PictureState::Kind kind) {
  PictureState out;
  out.kind = kind;
  return out;
}

/// 401 and 404, which are said in three places.
std::optional<PictureState> by_code(std::uint64_t code) {
  if (code == 401) return state(PictureState::Kind::hidden);
  if (code == 404) return state(PictureState::Kind::none);
  return std::nullopt;
}

}  // namespace

Node picture_iq(std::string_view id, const PictureQuery& query) {
  Node picture("picture");
  picture.set("type", name(query.size)).set("query", "url");
  put(put(picture, "id", query.known_id), "invite", query.invite);
  put(picture, "common_gid", query.common_group);
  if (!query.token.empty() && !query.target.is_group()) picture.add(Node("tctoken").bytes(query.token));
  return iq_get(id, xmlns).set("target", query.target.user_jid()).add(std::move(picture));
}

Result<PictureState> read_picture_answer(const Node& answer, const PictureQuery& query) {
  if (const auto error = iq_error_of(answer)) {
    if (auto said = by_code(error->code)) return *said;
    return *iq_refusal(answer, "picture");
  }
  if (!answer.is("iq") || answer.attr("type") != "result") return Error(Errc::malformed, "picture: no answer");
  const Node* picture = answer.child("picture");
  if (picture != nullptr) {
    if (const Node* error = picture->child("error")) {
      const std::uint64_t code = error->number("code").value_or(0);
      if (auto said = by_code(code)) return *said;
      return refusal_of_code(code, line_attr(*error, "text", 256), "picture");
    }
    const auto status = picture->number("status");
    if (status == 204) return state(PictureState::Kind::none);
    if (status == 304) return state(PictureState::Kind::unchanged);
    PictureState present = state(PictureState::Kind::present);
    present.id = line_attr(*picture, "id", max_picture_id_bytes);
    present.url = address_at(*picture, "url");
    present.direct_path = address_at(*picture, "direct_path");
    present.hash = line_attr(*picture, "hash", max_picture_id_bytes);
    present.size = picture->attr("type") == "preview" ? PictureSize::preview : PictureSize::image;
    if (!present.id.empty() && !(present.url.empty() && present.direct_path.empty())) return present;
  }
  // Only who named one may be told in so few words that it is still that.
  if (!query.known_id.empty()) return state(PictureState::Kind::unchanged);
  return Error(Errc::malformed, "picture: answer without one");
}

namespace {

Node change_iq(std::string_view id, const std::optional<Jid>& group) {
  Node iq = iq_set(id, xmlns);
  return put(iq, "target", group);
}

}  // namespace

Node set_picture_iq(std::string_view id, const std::optional<Jid>& group, ByteView jpeg) {
  return change_iq(id, group).add(Node("picture").set("type", "image").bytes(jpeg));
}

Node remove_picture_iq(std::string_view id, const std::optional<Jid>& group) { return change_iq(id, group); }

Result<std::string> read_picture_set(const Node& answer) {
  const auto picture = result_child(answer, "picture", "picture set");
  if (!picture) return picture.error();
  std::string id = line_attr(**picture, "id", max_picture_id_bytes);
  if (id.empty()) return Error(Errc::malformed, "picture set: answer without id");
  return id;
}

std::optional<PictureQuery> read_picture_query(const Node& iq) {
  const Node* picture = is_request(iq, "get", xmlns) ? iq.child("picture") : nullptr;
  const auto target = user_attr(iq, "target");
  if (picture == nullptr || !target) return std::nullopt;
  PictureQuery query;
  query.target = *target;
  query.size = picture->attr("type") == "preview" ? PictureSize::preview : PictureSize::image;
  query.known_id = line_attr(*picture, "id", max_picture_id_bytes);
  query.invite = line_attr(*picture, "invite", 128);
  query.common_group = user_attr(*picture, "common_gid");
  // One client sends it beside the picture.
  auto token = picture->child_data("tctoken");
  if (!token) token = iq.child_data("tctoken");
  if (token && token->size() <= max_token_bytes) query.token = to_bytes(*token);
  return query;
}

Node picture_answer(const Node& request, const PictureState& said) {
  Node picture("picture");
  switch (said.kind) {
    case PictureState::Kind::hidden: return iq_error(request, 401, "not-authorized");
    case PictureState::Kind::none: return iq_error(request, 404, "item-not-found");
    case PictureState::Kind::unchanged: return iq_result(request).add(picture.set("status", "304"));
    case PictureState::Kind::present: break;
  }
  put(put(picture, "id", said.id).set("type", name(said.size)), "url", said.url);
  put(put(picture, "direct_path", said.direct_path), "hash", said.hash);
  return iq_result(request).add(std::move(picture));
}

std::optional<PictureChange> read_picture_change(const Node& iq) {
  if (!is_request(iq, "set", xmlns)) return std::nullopt;
  PictureChange change;
  if (iq.has("target")) {
    change.group = user_attr(iq, "target");
    if (!change.group) return std::nullopt;
  }
  if (const Node* picture = iq.child("picture")) {
    if (picture->data().empty() || picture->data().size() > max_jpeg_bytes) return std::nullopt;
    change.jpeg = to_bytes(picture->data());
  }
  return change;
}

Node picture_set_answer(const Node& request, std::string_view picture_id) {
  return iq_result(request).add(Node("picture").set("id", picture_id));
}

}  // namespace wharf::protocol
