#include "sandbox/network/message_plan.h"

#include <algorithm>
#include <utility>

namespace wharf::sandbox {

namespace {

constexpr std::size_t max_recipients = 5'000;
constexpr std::size_t max_message_bytes = 1u << 20;

bool valid_enc(const Node& enc) {
  const auto type = enc.attr("type");
  return (type == "msg" || type == "pkmsg") && !enc.data().empty() && enc.attr("v") == "2";
}

MessagePlan refused(unsigned code, std::string why) {
  MessagePlan plan;
  plan.error = code;
  plan.why = std::move(why);
  return plan;
}

class Planner {
 public:
  Planner(const Accounts& accounts, const Origin& origin, const Address& to)
      : accounts_(accounts), origin_(origin), to_(to) {}

  MessagePlan single_device(const Node& message, const Node& enc);
  MessagePlan fan_out(const Node& message, const Jid& to_jid);

 private:
  void add(const DeviceKey& target, const Node& enc);
  MessagePlan finished();

  const Accounts& accounts_;
  const Origin& origin_;
  const Address& to_;
  MessagePlan plan_;
  std::size_t bytes_ = 0;
};

void Planner::add(const DeviceKey& target, const Node& enc) {
  bytes_ += enc.data().size();
  if (target == origin_.key || !accounts_.find_device(target)) return;  // stale: shows in the phash only
  const auto twice = [&](const MessagePlan::Copy& copy) { return copy.target == target; };
  if (plan_.copies.size() < 64 && std::any_of(plan_.copies.begin(), plan_.copies.end(), twice)) return;
  plan_.copies.push_back({target, &enc});
}

MessagePlan Planner::finished() {
  if (bytes_ > max_message_bytes) return refused(400, "message too large");
  return std::move(plan_);
}

MessagePlan Planner::single_device(const Node& message, const Node& enc) {
  if (!valid_enc(enc)) return refused(479, "enc of unknown type or empty");
  if (message.attr("category") == "peer" && message.child("tctoken")) return refused(479, "tctoken on a peer message");
  if (message.has("phash")) return refused(479, "phash on a message to one device");
  plan_.single_device = true;
  if (to_.key() == origin_.key) return refused(400, "addressed to the sending device");
  add(to_.key(), enc);
  return finished();
}

MessagePlan Planner::fan_out(const Node& message, const Jid& to_jid) {
  const auto* participants = message.child("participants");
  if (!participants) return refused(400, "no enc");
  const auto rows = participants->children("to");
  if (rows.empty() || rows.size() > max_recipients) return refused(400, "no or too many recipients");
  if (to_jid.device != 0) return refused(400, "a fan-out is addressed to a user, not to a device");
  bool somebody_else = false;
  for (const auto* row : rows) {
    const auto jid = row->jid("jid");
    const auto* enc = row->child("enc");
    const auto address = jid ? accounts_.resolve(*jid) : std::nullopt;
    if (!enc || !valid_enc(*enc)) return refused(479, "enc of unknown type or empty");
    if (!address || (address->party != to_.party && address->party != &origin_.party)) {
      return refused(400, "enc for a foreign account");
    }
    if (address->lid != to_.lid) return refused(400, "mixed phone number and LID addressing");
    somebody_else |= address->key() != origin_.key;
    add(address->key(), *enc);
  }
  if (!somebody_else) return refused(400, "addressed to the sending device only");
  return finished();
}

}  // namespace

MessagePlan plan_of(const Accounts& accounts, const Origin& origin, const Address& to, const Jid& to_jid,
                    const Node& message) {
  Planner planner(accounts, origin, to);
  if (const auto* enc = message.child("enc")) return planner.single_device(message, *enc);
  return planner.fan_out(message, to_jid);
}

}  // namespace wharf::sandbox
