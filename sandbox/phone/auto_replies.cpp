#include "sandbox/phone/auto_replies.h"

#include <boost/json.hpp>
#include <string_view>

#include "sandbox/row_values.h"

namespace wharf::sandbox {

namespace {

/// Ids of automatic replies: one automatic reply never answers another.
constexpr std::string_view id_prefix = "3AB07";

}  // namespace

void PhoneAutoReplies::react(const PhoneMessage& received) {
  const std::string chat = c_.network.number_named(received.chat);
  if (read_) (void)receipts_.read(chat, received.id);
  if (!rule_ || received.kind != "text" || received.id.starts_with(id_prefix)) return;
  if (received.text.find(rule_->contains) == std::string::npos) return;
  Phone::Send reply;
  reply.to = chat;
  reply.text = rule_->text;
  (void)sending_.send(reply, id_prefix);
}

void PhoneAutoReplies::save_read(boost::json::object& core) const { core["autoRead"] = read_; }

void PhoneAutoReplies::save_rule(boost::json::object& core) const {
  if (rule_)
    core["autoReply"] = boost::json::array{boost::json::value(rule_->contains), boost::json::value(rule_->text)};
}

void PhoneAutoReplies::load(const boost::json::object& core) {
  read_ = core.at("autoRead").as_bool();
  if (const auto* rule = core.if_contains("autoReply")) {
    rule_ = Phone::AutoReply{string_of(rule->as_array().at(0)), string_of(rule->as_array().at(1))};
  }
}

}  // namespace wharf::sandbox
