// The list of runbooks: times of this place.

import { all } from "./dom.js";
import "./key.js";

for (const time of all("time[datetime]")) time.textContent = new Date(time.dateTime).toLocaleString();
