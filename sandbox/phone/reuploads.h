#pragma once
// A companion found that the media host no longer has a file: the phone uploads it again, or says why it does not.
// Specification 04 section 6, 06 section 12.

#include <boost/json/fwd.hpp>

#include "protocol/media/media_retry.h"
#include "sandbox/phone/chats.h"
#include "sandbox/phone/context.h"
#include "sandbox/phone/files.h"
#include "sandbox/phone/log.h"

namespace wharf::sandbox {

class PhoneReuploads {
 public:
  PhoneReuploads(PhoneContext& context, const PhoneChats& chats, PhoneLog& log, PhoneFiles& files)
      : c_(context), chats_(chats), log_(log), files_(files) {}

  /// A server-error receipt. Acked when it is answered or nothing will be: until then it comes again after a restart,
  /// and when the phone was off meanwhile.
  void on_request(const Node& receipt);
  void set_mode(MediaRetryMode mode) {
    mode_ = mode;
    c_.core_changed();
  }

  // --- in the phone's row
  void save(boost::json::object& core) const;
  void load(const boost::json::object& core);

 private:
  void answer(const Node& receipt, Node notification);
  void refuse(const Node& receipt, const protocol::MediaRetryRequest& request, protocol::MediaRetryOutcome why);
  const PhoneLog::Behind* behind(const protocol::MediaRetryRequest& request) const;

  PhoneContext& c_;
  const PhoneChats& chats_;
  PhoneLog& log_;
  PhoneFiles& files_;
  MediaRetryMode mode_ = MediaRetryMode::upload;
};

}  // namespace wharf::sandbox
