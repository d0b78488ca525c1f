# Signs the people of this site in at Hallpass.
class ConnectController < ApplicationController
  def sign_in
    signed_in_at = Current.session.created_at.to_i
    return request_authentication if signed_in_at < params[:after].to_i

    hallpass, secret = ENV.fetch("HALLPASS_URL"), ENV.fetch("HALLPASS_HANDOVER_SECRET")
    user = Current.user
    about = user.blocked? ? { error: "access_denied" } : user.described.merge(auth_time: signed_in_at)
    answer = Net::HTTP.post(URI("#{hallpass}/handover"), { handover: params[:handover].to_s, **about }.to_json,
      "Authorization" => "Bearer #{secret}", "Content-Type" => "application/json")
    address = JSON.parse(answer.body)["redirect_to"].to_s
    return head :bad_gateway unless address.start_with?("#{hallpass}/")

    response.headers["Cache-Control"] = "no-store"
    redirect_to address, allow_other_host: true, status: :see_other
  end
end
