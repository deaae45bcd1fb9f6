#pragma once
// The first messages to a new companion: app state keys and an empty history; keys again when it asks. Specification 06
// section 14.

#include <boost/json/fwd.hpp>
#include <cstdint>
#include <set>
#include <vector>

#include "sandbox/phone/app_state.h"
#include "sandbox/phone/companions.h"
#include "sandbox/phone/context.h"
#include "sandbox/phone/keys.h"
#include "sandbox/phone/sending.h"

namespace wharf::sandbox {

class PhoneBootstrap {
 public:
  PhoneBootstrap(PhoneContext& context, PhoneKeys& keys, PhoneCompanions& companions, PhoneAppState& app_state,
                 PhoneSending& sending)
      : c_(context), keys_(keys), companions_(companions), app_state_(app_state), sending_(sending) {}

  /// Now, or when the phone is switched on.
  void begin(std::uint16_t device);
  /// `asked`: the key ids that a companion named; empty: what a new one needs.
  void share_keys(std::uint16_t device, const std::vector<Bytes>& asked = {});
  /// The phone was switched on.
  void resume();
  /// Of a companion that is gone.
  void forget(std::uint16_t device) { waiting_.erase(device); }
  void clear() { waiting_.clear(); }

  // --- in the phone's row
  boost::json::array saved() const;
  void load(const boost::json::object& core);

 private:
  PhoneContext& c_;
  PhoneKeys& keys_;
  PhoneCompanions& companions_;
  PhoneAppState& app_state_;
  PhoneSending& sending_;
  std::set<std::uint16_t> waiting_;  // prekeys arrived while the phone was off
};

}  // namespace wharf::sandbox
