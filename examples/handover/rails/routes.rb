# To add to config/routes.rb.
get "connect/sign-in", to: "connect#sign_in"
resources :connected_apps, path: "connected-apps", only: %i[index destroy]
