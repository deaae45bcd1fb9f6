#include "sandbox/network/answers.h"

#include <cstdint>
#include <utility>

namespace wharf::sandbox {

Node result_of(const Node& iq) {
  Node result("iq");
  return result.set("from", iq.jid("to").value_or(protocol::server_jid()))
      .set("id", iq.attr("id"))
      .set("type", "result");
}

Node error_of(const Node& iq, unsigned code, std::string_view text, unsigned backoff) {
  Node error("iq");
  error.set("from", iq.jid("to").value_or(protocol::server_jid())).set("id", iq.attr("id")).set("type", "error");
  Node reason("error");
  reason.set("code", std::uint64_t{code}).set("text", text);
  if (backoff != 0) reason.set("backoff", std::uint64_t{backoff});
  return error.add(std::move(reason));
}

Node answer_of(const Node& iq, const Node& made) {
  Node answer = result_of(iq);
  answer.set("type", made.attr("type"));
  for (const auto& child : made.children()) answer.add(child);
  return answer;
}

Node stream_error(std::string_view code, std::string_view conflict) {
  Node error("stream:error");
  if (!code.empty()) error.set("code", code);
  if (!conflict.empty()) error.add(Node("conflict").set("type", conflict));
  return error;
}

}  // namespace wharf::sandbox
