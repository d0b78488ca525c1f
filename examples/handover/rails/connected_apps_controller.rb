# The site's own page of connected apps. The view shows each grant with `button_to "End access", connected_app_path(grant["id"]),
# method: :delete`.
class ConnectedAppsController < ApplicationController
  def index
    found = HallpassPeople.call("GET", Current.user.id, "grants", language: request.headers["Accept-Language"] || "en")
    @grants = found ? found["grants"] : []
  end

  def destroy
    HallpassPeople.call("DELETE", Current.user.id, "grants", params[:id])
    redirect_to connected_apps_path, status: :see_other
  end
end
