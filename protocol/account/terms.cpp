#include "protocol/account/terms.h"

#include "protocol/stanzas/iq_reading.h"
#include "protocol/stanzas/node_fields.h"

namespace wharf::protocol {

namespace {

constexpr std::string_view xmlns = "tos";
constexpr std::size_t max_notice_bytes = 64;

void read_notices(const Node& list, std::vector<std::string>& out) {
  for (const Node* row : list.children("notice")) {
    std::string id = line_attr(*row, "id", max_notice_bytes);
    if (!id.empty()) out.push_back(std::move(id));
  }
}

}  // namespace

Node terms_iq(std::string_view id, const std::vector<std::string>& notices) {
  Node request("request");
  for (const std::string& notice : notices) request.add(Node("notice").set("id", notice));
  return iq_get(id, xmlns).add(std::move(request));
}

Result<Terms> read_terms(const Node& answer) {
  const auto tos = result_child(answer, "tos", "terms");
  if (!tos) return tos.error();
  if (!within_rows(**tos)) return Error(Errc::malformed, "terms: too many notices");
  Terms terms;
  terms.refresh_seconds = (*tos)->number("refresh");
  for (const Node* row : (*tos)->children("notice")) {
    std::string id = line_attr(*row, "id", max_notice_bytes);
    if (!id.empty()) terms.notices.push_back({std::move(id), row->attr("state") != "false"});
  }
  return terms;
}

Node accept_terms_iq(std::string_view id, std::string_view notice) {
  Node request("request");
  request.set("type", "session_update").add(Node("notice").set("id", notice));
  return iq_set(id, xmlns).add(std::move(request));
}

std::optional<TermsRequest> read_terms_request(const Node& iq) {
  TermsRequest out;
  out.accept = is_request(iq, "set", xmlns);
  if (!out.accept && !is_request(iq, "get", xmlns)) return std::nullopt;
  const Node* request = iq.child("request");
  if (request == nullptr && !out.accept) return std::nullopt;
  const Node& list = request != nullptr ? *request : iq;  // one client accepts without it
  if (!within_rows(list)) return std::nullopt;
  read_notices(list, out.notices);
  return out;
}

Node terms_answer(const Node& request, const Terms& terms) {
  Node tos("tos");
  put(tos, "refresh", terms.refresh_seconds);
  for (const Terms::Notice& notice : terms.notices)
    tos.add(Node("notice").set("id", notice.id).set("state", notice.accepted ? "true" : "false"));
  return iq_result(request).add(std::move(tos));
}

}  // namespace wharf::protocol
