// The login page at the address of another page: that page opens after the login, with the place in it that only the
// browser knows. After logging out, it forgets the rest.

import { remember, thisTab } from "./dom.js";
import { asked, forgetLeft, pathAsked } from "./key.js";

if (!/^.login/.test(pathAsked())) remember(asked, pathAsked(), thisTab);
forgetLeft();
