// Schedule.
#include "polyhedral/schedule.h"
