#include "sandbox/control_call.h"

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>
#include <utility>

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

std::string quoted(std::string_view text) { return "\"" + std::string(text.substr(0, 80)) + "\""; }

}  // namespace

// --- fields

void BodyFields::problem(std::string_view name, std::string_view what) {
  if (problems_.if_contains(name) == nullptr) problems_[name] = what;  // the first one is the cause
}

const json::value* BodyFields::member(std::string_view name) {
  asked_.emplace_back(name);
  const json::value* value = body_.if_contains(name);
  return value != nullptr && value->is_null() ? nullptr : value;
}

bool BodyFields::has(std::string_view name) { return member(name) != nullptr; }

std::optional<std::string> BodyFields::optional_text(std::string_view name, std::size_t max_bytes) {
  const json::value* value = member(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_string()) {
    problem(name, "must be a string");
    return std::nullopt;
  }
  if (value->get_string().size() > max_bytes) {
    problem(name, "must have at most " + std::to_string(max_bytes) + " bytes");
    return std::nullopt;
  }
  return std::string(value->get_string());
}

std::string BodyFields::text(std::string_view name, std::size_t max_bytes) {
  auto value = optional_text(name, max_bytes);
  if (!value) {
    problem(name, "is required: a string");
  } else if (value->empty()) {
    problem(name, "must not be empty");
  }
  return value.value_or(std::string());
}

std::vector<std::string> BodyFields::optional_texts(std::string_view name, std::size_t max_count) {
  const json::value* value = member(name);
  if (value == nullptr) return {};
  if (!value->is_array() || value->get_array().size() > max_count) {
    problem(name, "must be an array of at most " + std::to_string(max_count) + " strings");
    return {};
  }
  std::vector<std::string> out;
  for (const json::value& item : value->get_array()) {
    if (item.is_string()) {
      out.emplace_back(item.get_string());
    } else {
      problem(name, "must be an array of strings");
    }
  }
  return out;
}

bool BodyFields::flag(std::string_view name) {
  const json::value* value = member(name);
  if (value == nullptr || !value->is_bool()) {
    problem(name, value == nullptr ? "is required: true or false" : "must be true or false");
    return false;
  }
  return value->get_bool();
}

std::int64_t BodyFields::integer(std::string_view name, std::int64_t least, std::int64_t most) {
  const json::value* value = member(name);
  const std::string range = "an integer from " + std::to_string(least) + " to " + std::to_string(most);
  if (value == nullptr) {
    problem(name, "is required: " + range);
    return least;
  }
  boost::system::error_code failed;
  const auto number = value->is_number() && !value->is_double() ? value->to_number<std::int64_t>(failed) : 0;
  if (!value->is_number() || value->is_double() || failed || number < least || number > most) {
    problem(name, "must be " + range);
    return least;
  }
  return number;
}

std::string BodyFields::phone(std::string_view name) {
  const std::string given = text(name, 64);
  if (problems_.if_contains(name) != nullptr) return {};
  auto digits = normalise_phone(given);
  if (!digits) problem(name, digits.error().detail);
  return digits ? *digits : std::string();
}

bool BodyFields::valid() {
  if (strict_) {
    for (const auto& [name, value] : body_) {
      if (std::find(asked_.begin(), asked_.end(), std::string_view(name)) == asked_.end())
        problem(name, "is not a known field");
    }
  }
  return problems_.empty();
}

// --- answers

json::object envelope(json::value result) {
  json::object out;
  out["success"] = true;
  out["data"] = std::move(result);
  return out;
}

net::HttpResponse control_error(unsigned status, std::string_view code, std::string_view message,
                                json::object details) {
  json::object error{{"code", code}, {"message", message}};
  error["details"] = std::move(details);
  json::object out{{"success", false}};
  out["error"] = std::move(error);
  return {status, "application/json", json::serialize(out)};
}

BodyFields ControlCall::fields() const {
  const auto strict = query.find("strict");
  return {body, strict != query.end() && strict->second == "true"};
}

std::optional<std::int64_t> ControlCall::query_number(std::string_view name, std::int64_t otherwise, std::int64_t least,
                                                      std::int64_t most) {
  const auto found = query.find(name);
  if (found == query.end()) return otherwise;
  const std::string& given = found->second;
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(given.data(), given.data() + given.size(), number);
  if (error == std::errc() && end == given.data() + given.size() && number >= least && number <= most) return number;
  json::object details;
  details[name] = "must be an integer from " + std::to_string(least) + " to " + std::to_string(most);
  fail(400, "VALIDATION_ERROR", "the query parameter " + std::string(name) + " is not valid", std::move(details));
  return std::nullopt;
}

void ControlCall::succeed(json::value result, unsigned status) {
  answer({status, "application/json", json::serialize(envelope(std::move(result)))});
}

void ControlCall::fail(unsigned status, std::string_view code, std::string_view message, json::object details) {
  answer(control_error(status, code, message, std::move(details)));
}

void ControlCall::answer(net::HttpResponse response) {
  after_commit([to = responder, response = std::move(response)]() mutable { to.send(std::move(response)); });
}

void ControlCall::invalid(const BodyFields& fields) {
  std::string message = "not valid:";
  for (const auto& [name, what] : fields.problems()) {
    message += (message.back() == ':' ? " " : "; ") + std::string(name) + " " + std::string(what.get_string());
  }
  fail(400, "VALIDATION_ERROR", message, fields.problems());
}

void ControlCall::fail(const Error& error) {
  const Meaning meaning = meaning_of(error.code);
  fail(meaning.status, meaning.code, error.detail);
}

Phone* ControlCall::phone() {
  const std::string& given = path.at("phone");
  const auto digits = normalise_phone(given);
  Phone* found = digits ? phones.find(*digits) : nullptr;
  if (found == nullptr)
    fail(404, "NOT_FOUND", "there is no phone " + quoted(given) + "; POST /sandbox/v1/phones creates one");
  return found;
}

}  // namespace wharf::sandbox
