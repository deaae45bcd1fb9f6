#include "sandbox/phone/bootstrap.h"

#include <boost/json.hpp>
#include <utility>

#include "protocol/messages/bootstrap.h"
#include "sandbox/row_values.h"

namespace wharf::sandbox {

void PhoneBootstrap::begin(std::uint16_t device) {
  if (!c_.powered()) {
    waiting_.insert(device);
    return c_.core_changed();
  }
  share_keys(device);
  sending_.send_peer(device, protocol::build_empty_initial_history());
}

void PhoneBootstrap::share_keys(std::uint16_t device, const std::vector<Bytes>& asked) {
  protocol::AppStateKeyShare share = app_state_.key();
  for (const Bytes& id : asked) {
    if (!protocol::equal(id, share.key_id)) share.missing.push_back(id);
  }
  share.raw_id = keys_.raw_id();
  share.current_index = companions_.last_key_index();
  share.device_indexes = companions_.valid_indexes();
  sending_.send_peer(device, protocol::build_key_share(share));
}

void PhoneBootstrap::resume() {
  for (const std::uint16_t device : std::exchange(waiting_, {})) begin(device);
}

boost::json::array PhoneBootstrap::saved() const {
  boost::json::array waiting;
  for (const std::uint16_t device : waiting_) waiting.emplace_back(device);
  return waiting;
}

void PhoneBootstrap::load(const boost::json::object& core) {
  for (const auto& device : core.at("waitingBootstraps").as_array()) {
    waiting_.insert(number_of<std::uint16_t>(device));
  }
}

}  // namespace wharf::sandbox
