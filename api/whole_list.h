#pragma once
// Lists without pages. Clients of the first API generation know none: without `limit` they get all there is. Such a
// list may be long, so it is made while it is sent, a slice at a time.

#include <memory>
#include <string>

#include "api/services.h"

namespace wharf::api {

/// Any one thread at a time.
class WholeList {
 public:
  virtual ~WholeList() = default;
  /// The next rows as JSON; the end of the answer behind the last ones.
  virtual std::string slice(storage::Database& db) = 0;
  virtual bool over() const = 0;
};

/// What follows the first slice: on the worker pool; a full pool costs the loop a few milliseconds.
net::BodySource rest_of(const ServicesPtr& services, std::shared_ptr<WholeList> list, std::string request_id);

}  // namespace wharf::api
