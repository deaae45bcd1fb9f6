#include "sandbox/control_call.h"

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <utility>

#include "web/base64_stream.h"
#include "web/envelope.h"

namespace wharf::sandbox {

namespace json = boost::json;
using protocol::Errc;
using protocol::Error;

namespace {

struct Meaning {
  unsigned status;
  std::string_view code;
};

Meaning meaning_of(Errc code) {
  switch (code) {
    case Errc::malformed: return {400, "VALIDATION_ERROR"};
    case Errc::not_found: return {404, "NOT_FOUND"};
    case Errc::conflict: return {409, "CONFLICT"};
    case Errc::refused: return {422, "REFUSED"};
    case Errc::bad_mac: return {422, "WRONG_CODE"};
    case Errc::timed_out: return {504, "TIMEOUT"};
    case Errc::closed: return {503, "UNAVAILABLE"};
    case Errc::rate_limited: return {429, "RATE_LIMITED"};
    case Errc::not_implemented: return {501, "NOT_IMPLEMENTED"};
    default: return {500, "INTERNAL_ERROR"};
  }
}

}  // namespace

net::HttpResponse refused_fields(const std::vector<web::FieldProblem>& problems) {
  const bool later = std::any_of(problems.begin(), problems.end(), [](const web::FieldProblem& p) { return p.later; });
  return web::render_error(later ? 501 : 400, later ? "NOT_IMPLEMENTED" : "VALIDATION_ERROR", web::explain(problems));
}

const std::string& ControlCall::param(std::string_view name) const {
  static const std::string none;
  for (const auto& [key, value] : params)
    if (key == name) return value;
  return none;
}

std::string ControlCall::phone_number(std::string_view name) const {
  return normalise_phone(web::text_of(body, name)).value();
}

std::string ControlCall::account(std::string_view name) const {
  const Account* found = network.find_number(phone_number(name));
  return found == nullptr ? std::string() : found->phone;
}

std::optional<Bytes> ControlCall::picture() {
  const auto* given = body.if_contains("data");
  if (given == nullptr || given->is_null()) return Bytes();
  std::string bytes;
  web::MediaTextDecoder decoder;
  auto decoded = decoder.feed(web::text_of(body, "data"), bytes);
  if (decoded) decoded = decoder.finish(bytes);
  if (decoded && !bytes.empty()) return protocol::to_bytes(bytes);
  invalid({{"data", decoded ? "holds no bytes" : "is not valid: " + decoded.error().detail}});
  return std::nullopt;
}

void ControlCall::succeed(const json::value& result, unsigned status) {
  web::Beside beside;
  beside.status = status;
  answer(web::render_success(json::serialize(result), beside));
}

void ControlCall::fail(unsigned status, std::string_view code, std::string message) {
  answer(web::render_error(status, code, {std::move(message), {}}));
}

void ControlCall::answer(net::HttpResponse response) {
  after_commit([to = responder, response = std::move(response)]() mutable { to.send(std::move(response)); });
}

void ControlCall::invalid(const std::vector<web::FieldProblem>& problems) { answer(refused_fields(problems)); }

void ControlCall::fail(const Error& error) {
  const Meaning meaning = meaning_of(error.code);
  fail(meaning.status, meaning.code, error.detail);
}

Phone* ControlCall::phone() {
  const std::string& given = param("phone");
  const auto digits = normalise_phone(given);
  Phone* found = digits ? phones.find_number(*digits) : nullptr;
  if (found == nullptr)
    fail(404, "NOT_FOUND", "there is no phone \"" + web::echo(given) + "\"; POST /sandbox/v1/phones creates one");
  return found;
}

}  // namespace wharf::sandbox
